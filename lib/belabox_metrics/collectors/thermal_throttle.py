"""`thermal.throttle`: whether heat slows the box down.

Reads `/sys/class/thermal/cooling_device*/{type,cur_state,max_state}` (the kernel's
`Documentation/driver-api/thermal/sysfs-api.rst`). The devices that cool by slowing down are known by their type:
`thermal-cpufreq-0` up to Linux 5.11, `cpufreq-cpu0` since, `thermal-devfreq-0` and `devfreq-fb000000.gpu` for what is
no processor, `Processor` where ACPI rules. State 0 is full speed; a state above says how many steps were taken away.
Fans are `fan`'s.
"""

from __future__ import annotations

from ..attributes import Attributes, distinct
from ..sample import Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "thermal.throttle"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/sys/class/thermal"
# intel_powerclamp is not among them: its state is -1 while it is idle.
SLOWING = ("thermal-cpufreq-", "cpufreq-", "thermal-devfreq-", "devfreq-", "Processor")


def collect(world: World) -> Reading:
    """`thermal.throttle_percent` of each such device (tag `device`, its type; a second one of a type is `TYPE-2`): how
    much of what it could take away it does, 0 to 100. `thermal.throttled` is 1 when any is above 0, else 0.

    A frequency limit that a person set is none of these. Raises NoData when nothing here can slow down."""
    files = Attributes(world)
    devices: dict[str, str] = {}
    for entry in files.entries(PATH, "cooling_device"):
        kind = files.text(f"{PATH}/{entry}/type") or ""
        if kind.startswith(SLOWING):
            devices[distinct(kind, devices)] = f"{PATH}/{entry}"
    percents: dict[str, float] = {}
    for label, path in devices.items():
        percent = files.cooling_percent(path)
        if percent is not None:
            percents[label] = percent
    samples = [Sample("thermal.throttle_percent", percent, {"device": label}) for label, percent in percents.items()]
    if samples:
        samples.insert(0, Sample("thermal.throttled", int(any(percents.values()))))
    return files.reading(samples, f"{world.root}{PATH} has no device that cools by slowing down")
