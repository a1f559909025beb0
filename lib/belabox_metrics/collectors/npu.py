"""`npu`: how busy the cores of Rockchip's neural processor are.

Reads `load` of the driver rknpu, which stands in `/proc/rknpu` or in `/sys/kernel/debug/rknpu`, as the kernel was
built: `NPU load:  Core0:  0%, Core1: 12%, Core2: 47%,`, or `NPU load:  0%` of a chip with one core. The second place is
usually root's alone, and then there is no load. `/sys/class/devfreq/*npu*/cur_freq` gives Hz; `load` beside it is not
read: what it says is not measured.
"""

from __future__ import annotations

import errno

from ..attributes import Attributes
from ..errors import NoData, SourceProblem
from ..sample import Sample
from ..source import Unreadable, read_text, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "npu"
PRIORITY = 3
SETTINGS: Settings = {}

PLACES = ("/proc/rknpu/load", "/sys/kernel/debug/rknpu/load")
DEVFREQ = "/sys/class/devfreq"
_LIMIT = 4096


def parse(text: str, where: str) -> dict[str, int]:
    """Text to `{"core0": percent}`. Raises SourceProblem."""
    head, colon, rest = text.strip().partition(":")
    cores: dict[str, int] = {}
    if head == "NPU load" and colon:
        for part in rest.strip().strip(",").split(","):
            name, _, value = part.rpartition(":")
            percent = value.strip()[:-1]
            known = value.endswith("%") and percent.isdigit() and percent.isascii() and len(percent) < 4
            if not known or int(percent) > 100:
                raise SourceProblem(f"{shown(part.strip())} is not the load of a core", where=where)
            cores[name.strip().lower() or "core0"] = int(percent)
        return cores
    raise SourceProblem(f"{shown(text.strip())} is not a load", where=where)


def collect(world: World) -> Reading:
    """`npu.load_percent`, tag `core`, and `npu.frequency_hertz`, tag `device`. Raises NoData without either."""
    files = Attributes(world)
    samples: list[Sample] = []
    missing = "there is no NPU that the kernel knows"
    for path in PLACES:
        try:
            cores = parse(read_text(world.root, path, _LIMIT), world.root + path)
        except NoData:
            continue
        except SourceProblem as fault:
            if isinstance(fault, Unreadable) and fault.errno in (errno.EACCES, errno.EPERM):
                missing = f"{world.root}{path} is for root alone"
            else:
                files.broken(path, fault.what)
            continue
        samples += [Sample("npu.load_percent", percent, {"core": core}) for core, percent in cores.items()]
        break
    for device in files.names(DEVFREQ):
        hertz = files.number(f"{DEVFREQ}/{device}/cur_freq") if "npu" in device else None
        if hertz is not None and hertz > 0:
            samples.append(Sample("npu.frequency_hertz", hertz, {"device": device}))
    return files.reading(samples, missing)
