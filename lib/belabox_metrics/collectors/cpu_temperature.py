"""`cpu.temperature`: every thermal zone, and the hottest of them.

Reads `/sys/class/thermal/thermal_zone*/{type,temp}` (the kernel's
`Documentation/driver-api/thermal/sysfs-api.rst`), thousandths of a degree Celsius. Zones are known by their
type; the index differs between kernels and boots.
"""

from __future__ import annotations

import errno

from ..errors import NoData, SourceProblem
from ..sample import Sample
from ..source import Unreadable, list_dir, read_text, shown
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "cpu.temperature"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/sys/class/thermal"
# No board works beyond these, in degrees Celsius; drivers do report -273 or 2 million for a sensor that is
# off.
COLDEST = -60
HOTTEST = 250
_ATTRIBUTE = 4096  # sysfs hands out one page at most
# What the kernel answers for a zone that is disabled, suspended or just gone.
_OFF = (errno.EINVAL, errno.EAGAIN, errno.ENODATA, errno.ENODEV, errno.ENXIO)


class Zone:
    """One zone as read: its directory's `name`, its `type` and `temp` as text."""

    __slots__ = ("name", "temp", "type")

    def __init__(self, name: str, kind: str, temp: str) -> None:
        self.name = name
        self.type = kind
        self.temp = temp


def read(world: World) -> tuple[list[Zone], dict[str, str]]:
    """The zones in the order of their index, and for each that is there but broken the reason, by directory
    name.

    Zones that are switched off are in neither. Raises NoData when the machine has no zone."""
    names = [name for name in list_dir(world.root, PATH) if _index(name) >= 0]
    if not names:
        raise NoData(f"{world.root}{PATH} has no thermal zone")
    zones: list[Zone] = []
    broken: dict[str, str] = {}
    for name in sorted(names, key=_index):
        try:
            temp = read_text(world.root, f"{PATH}/{name}/temp", _ATTRIBUTE)
            kind = read_text(world.root, f"{PATH}/{name}/type", _ATTRIBUTE)
        except NoData:
            continue
        except SourceProblem as fault:
            if not isinstance(fault, Unreadable) or fault.errno not in _OFF:
                broken[name] = str(fault)
            continue
        zones.append(Zone(name, kind, temp))
    return zones, broken


def parse(zone: Zone, where: str = PATH) -> float:
    """Degrees Celsius of one zone. Raises SourceProblem when it is no number, or none that can be true."""
    text = zone.temp.strip("\n")
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isdigit() and digits.isascii() and len(digits) < 10):
        raise SourceProblem(f"{shown(text)} is not a temperature", where=f"{where}/{zone.name}/temp")
    degrees = int(text) / 1000
    if not COLDEST <= degrees <= HOTTEST:
        raise SourceProblem(f"{degrees} degrees can't be true", where=f"{where}/{zone.name}/temp")
    return degrees


def collect(world: World) -> Reading:
    """`thermal.zone_temp` for each zone (tag `zone`, its type) and `cpu.temperature`, the highest; degrees
    Celsius.

    A second zone of a type is `TYPE-2`. A broken zone is left out and warned about once, until others
    break. With none left: NoData when all are switched off, SourceProblem when one is broken."""
    zones, broken = read(world)
    degrees: dict[str, float] = {}
    for zone in zones:
        try:
            value = parse(zone, world.root + PATH)
        except SourceProblem as fault:
            broken[zone.name] = str(fault)
            continue
        degrees[_label(zone, degrees)] = value
    if not degrees:
        if broken:
            raise SourceProblem("; ".join(broken.values()))
        raise NoData("every thermal zone is switched off")
    warned = world.state.split(" ")
    warnings = [f"left out: {reason}" for name, reason in broken.items() if name not in warned]
    samples = [Sample("cpu.temperature", max(degrees.values()))]
    samples += [Sample("thermal.zone_temp", value, {"zone": label}) for label, value in degrees.items()]
    return Reading(samples, " ".join(broken), warnings)


def _index(name: str) -> int:
    """12 of `thermal_zone12`, -1 of anything else."""
    number = name[len("thermal_zone") :]
    if name.startswith("thermal_zone") and number.isdigit() and number.isascii() and len(number) < 10:
        return int(number)
    return -1


def _label(zone: Zone, taken: dict[str, float]) -> str:
    kind = zone.type.strip() or zone.name
    label, count = kind, 1
    while label in taken:
        count += 1
        label = f"{kind}-{count}"
    return label
