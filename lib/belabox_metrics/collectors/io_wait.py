"""`io.wait`: how much of the time the cores had nothing to do but wait for a disk.

Reads the line `cpu` of `/proc/stat` (proc_stat(5)), all cores together, in clock ticks since boot. A hint rather than
a measure, as proc_stat(5) says: a core that finds other work while a disk is slow does not wait.
`io.pressure_some_percent` of `pressure` is the better witness where the kernel has it.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..sample import Sample
from ..source import read_text, unsigned, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "io.wait"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/proc/stat"
# user nice system idle iowait irq softirq steal; guest and guest_nice are in user and nice already.
_FIELDS = 8
_IOWAIT = 4


def parse(text: str, where: str = PATH) -> tuple[int, int]:
    """(ticks waiting for a disk, ticks in all). Raises SourceProblem."""
    for number, line in enumerate(whole_lines(text, where), 1):
        name, *fields = line.split()[: _FIELDS + 1] or [""]
        if name != "cpu":
            continue
        if len(fields) < _FIELDS:
            raise SourceProblem(f"cpu has {len(fields)} of {_FIELDS} fields", where=f"{where}:{number}")
        ticks = [unsigned(field, where, number, "cpu") for field in fields]
        return ticks[_IOWAIT], sum(ticks)
    raise SourceProblem("has no line cpu", where=where)


def collect(world: World) -> Reading:
    """`io.wait_percent`, 0 to 100, since the run before.

    No value the first time, and none when a counter went back, which proc_stat(5) warns of."""
    waited, total = parse(read_text(world.root, PATH), world.root + PATH)
    samples: list[Sample] = []
    before = _remembered(world.state)
    if before is not None:
        waiting, passed = waited - before[0], total - before[1]
        if 0 <= waiting <= passed and passed:
            samples.append(Sample("io.wait_percent", round(100 * waiting / passed, 2)))
    return Reading(samples, f"{waited} {total}")


def _remembered(state: str) -> tuple[int, int] | None:
    waited, _, total = state.partition(" ")
    try:
        return unsigned(waited, "state", 1, "iowait"), unsigned(total, "state", 1, "total")
    except SourceProblem:
        return None
