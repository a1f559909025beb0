"""`power`: where the current comes from, and how much, on a box that has a sensor for it.

Reads `/sys/class/power_supply/*` (the kernel's `Documentation/ABI/testing/sysfs-class-power`: µV, µA, µW, percent) and
of `/sys/class/hwmon` the chips that measure a supply (`Documentation/hwmon/ina2xx.rst`, `ina3221.rst`: mV, mA, µW) and
the alarm of a Raspberry Pi (`Documentation/hwmon/raspberrypi-hwmon.rst`). An Orange Pi 5+ has none: the controller of
its USB-C socket, `tcpm-source-psy-6-0022`, is there and says 0 V and 0 A (github.com/htop-dev/htop/issues/1160).
"""

from __future__ import annotations

from ..attributes import Attributes, distinct
from ..sample import Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "power"
PRIORITY = 2
SETTINGS: Settings = {}

SUPPLIES = "/sys/class/power_supply"
HWMON = "/sys/class/hwmon"
CHIPS = ("ina", "simple_vin")  # what the names of chips that measure a supply begin with
CHANNELS = 8
_MICRO, _MILLI = 1_000_000, 1000
# (series, file, parts of a unit)
MEASURED = (
    ("power.voltage_volts", "voltage_now", _MICRO),
    ("power.current_amperes", "current_now", _MICRO),
    ("power.consumption_watts", "power_now", _MICRO),
)
CHANNEL = (
    ("power.voltage_volts", "in{}_input", _MILLI),
    ("power.current_amperes", "curr{}_input", _MILLI),
    ("power.consumption_watts", "power{}_input", _MICRO),
)


def collect(world: World) -> Reading:
    """By `supply`: `power.online` (tag `type` too: `Mains`, `USB`, `Battery`; 1 while it feeds the box, of a battery
    while it discharges), `power.battery_percent`, `power.battery_runtime_seconds`; by `supply` or chip and channel
    `power.voltage_volts`, `power.current_amperes`, `power.consumption_watts`; `power.undervoltage`, 1 or 0.

    A sensor that says 0 V tells nothing, so nothing of it is published, not even that it is on. Raises NoData when
    that leaves nothing."""
    files = Attributes(world)
    samples: list[Sample] = []
    for supply in files.names(SUPPLIES):
        samples += _supply(files, f"{SUPPLIES}/{supply}", supply)
    taken: dict[str, str] = {}
    for entry in files.entries(HWMON, "hwmon"):
        path = f"{HWMON}/{entry}"
        name = files.text(f"{path}/name") or ""
        # The other entries repeat the supplies above, or are about what is behind them.
        if name.startswith(CHIPS):
            chip = distinct(name, taken)
            taken[chip] = entry
            for channel in range(CHANNELS):
                series = [(series, file.format(channel), parts) for series, file, parts in CHANNEL]
                samples += _measured(files, path, series, f"{chip}/{channel}")
        if name == "rpi_volt" and name not in taken:
            taken[name] = entry
            low = files.number(f"{path}/in0_lcrit_alarm")
            if low is not None:
                samples.append(Sample("power.undervoltage", int(low != 0)))
    return files.reading(samples, "there is no sensor of power here, or none that measures")


def _supply(files: Attributes, path: str, supply: str) -> list[Sample]:
    if files.text(f"{path}/scope") == "Device":  # the battery of a mouse
        return []
    kind = files.text(f"{path}/type") or "Unknown"
    measured = _measured(files, path, list(MEASURED), supply)
    if not measured and files.text(f"{path}/voltage_now") is not None:
        return []
    tags = {"supply": supply}
    samples: list[Sample] = []
    if kind == "Battery":
        status = files.text(f"{path}/status")
        if files.text(f"{path}/present") == "0":
            return []
        if status in ("Charging", "Discharging", "Full", "Not charging"):
            samples.append(Sample("power.online", int(status == "Discharging"), {"supply": supply, "type": kind}))
        percent = files.number(f"{path}/capacity")
        if percent is not None and 0 <= percent <= 100:
            samples.append(Sample("power.battery_percent", percent, tags))
        seconds = _runtime(files, path) if status == "Discharging" else None
        if seconds:
            samples.append(Sample("power.battery_runtime_seconds", seconds, tags))
    else:
        online = files.number(f"{path}/online")
        if online is not None and online >= 0:
            samples.append(Sample("power.online", int(online != 0), {"supply": supply, "type": kind}))
    return samples + measured


def _runtime(files: Attributes, path: str) -> int | None:
    """Seconds until the battery is empty if all stays so: as the driver says, else what is left by what is drawn."""
    seconds = files.number(f"{path}/time_to_empty_now")
    if seconds is not None:
        return seconds if seconds > 0 else None
    for left, drawn in (("energy_now", "power_now"), ("charge_now", "current_now")):
        hours, each = files.number(f"{path}/{left}"), files.number(f"{path}/{drawn}")
        # Some drivers give what a battery loses a sign.
        if hours is not None and each:
            return abs(hours) * 3600 // abs(each)
    return None


def _measured(files: Attributes, path: str, series: list[tuple[str, str, int]], supply: str) -> list[Sample]:
    """What one sensor measures; nothing when its voltage is 0, since then it measures nothing."""
    samples: list[Sample] = []
    for name, file, parts in series:
        value = files.number(f"{path}/{file}")
        if value is None:
            continue
        if name == "power.voltage_volts" and value == 0:
            return []
        samples.append(Sample(name, value / parts, {"supply": supply}))
    return samples
