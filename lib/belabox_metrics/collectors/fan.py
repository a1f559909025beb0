"""`fan`: how hard the fan is driven, and how fast it turns where it tells.

Reads the cooling devices whose type names a fan (`/sys/class/thermal`) and the fans of `/sys/class/hwmon` (the
kernel's `Documentation/hwmon/sysfs-interface.rst`): `pwm1`, 0 to 255, and `fan1_input`, revolutions a minute. The fan
of an Orange Pi 5+ has no tachometer, so no speed.
"""

from __future__ import annotations

from ..attributes import Attributes, distinct, index
from ..sample import Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "fan"
PRIORITY = 2
SETTINGS: Settings = {}

COOLING = "/sys/class/thermal"
HWMON = "/sys/class/hwmon"
FULL = 255
FASTEST = 50_000  # revolutions a minute; no fan of a box is near


def collect(world: World) -> Reading:
    """`fan.level_percent` (tag `device`) of what the kernel's cooling may use; `fan.duty_percent` and `fan.speed_rpm`
    (tags `chip` and `fan`, the number it has there). Raises NoData without a fan.

    A speed of 0 counts only where the fan is told to stand still: the tachometer of a Raspberry Pi 5 says 0 of a fan
    that turns (github.com/raspberrypi/linux/issues/7556), a board says it of a header with nothing in it."""
    files = Attributes(world)
    samples = _levels(files)
    chips: dict[str, str] = {}
    for entry in files.entries(HWMON, "hwmon"):
        numbers = _numbers(files.names(f"{HWMON}/{entry}"))
        if numbers:
            chip = distinct(files.text(f"{HWMON}/{entry}/name") or entry, chips)
            chips[chip] = entry
            for number in numbers:
                samples += _fan(files, f"{HWMON}/{entry}", chip, number)
    return files.reading(samples, "there is no fan that the kernel knows")


def _levels(files: Attributes) -> list[Sample]:
    samples: list[Sample] = []
    taken: dict[str, str] = {}
    for entry in files.entries(COOLING, "cooling_device"):
        path = f"{COOLING}/{entry}"
        kind = files.text(f"{path}/type") or ""
        if "fan" not in kind.lower():
            continue
        label = distinct(kind, taken)
        taken[label] = entry
        percent = files.cooling_percent(path)
        if percent is not None:
            samples.append(Sample("fan.level_percent", percent, {"device": label}))
    return samples


def _fan(files: Attributes, path: str, chip: str, number: int) -> list[Sample]:
    tags = {"chip": chip, "fan": str(number)}
    samples: list[Sample] = []
    duty, speed = files.number(f"{path}/pwm{number}"), files.number(f"{path}/fan{number}_input")
    if duty is not None and not 0 <= duty <= FULL:
        files.broken(f"{path}/pwm{number}", f"{duty} of {FULL} can't be true")
        duty = None
    if duty is not None:
        samples.append(Sample("fan.duty_percent", round(100 * duty / FULL, 2), tags))
    if speed is not None and not 0 <= speed <= FASTEST:
        files.broken(f"{path}/fan{number}_input", f"{speed} revolutions a minute can't be true")
    elif speed or (speed == 0 and duty == 0):
        samples.append(Sample("fan.speed_rpm", speed, tags))
    return samples


def _numbers(names: list[str]) -> list[int]:
    """The numbers of the fans of one chip: those with a `pwmN` or a `fanN_input`."""
    found = {index(name, "pwm") for name in names}
    found |= {index(name[: -len("_input")], "fan") for name in names if name.endswith("_input")}
    return sorted(found - {-1})
