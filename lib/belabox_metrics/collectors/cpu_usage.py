"""`cpu.usage`: how busy each core was since the last run.

Reads `/proc/stat` (proc_stat(5); the kernel's `Documentation/filesystems/proc.rst`). Its counters run since
boot, in clock ticks; the unit cancels out.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..sample import Sample
from ..source import read_text, unsigned, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "cpu.usage"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/proc/stat"
# guest and guest_nice follow, and stay out: the kernel has counted them in user and nice already.
FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_IDLE = 3
_IOWAIT = 4
# Ticks. Live machines have been seen to take back a few (github.com/prometheus/node_exporter/issues/1903),
# which is noise; a core that was offline starts again, which is not.
_JITTER = 10


def read(world: World) -> str:
    """The text of `/proc/stat`. Raises NoData without it, SourceProblem when it can't be read."""
    return read_text(world.root, PATH)


def parse(text: str, where: str = PATH) -> dict[str, list[int]]:
    """Text to `{"cpu0": [ticks, one for each of FIELDS]}`. Raises SourceProblem."""
    cores: dict[str, list[int]] = {}
    for number, line in enumerate(whole_lines(text, where), 1):
        name, _, rest = line.partition(" ")
        if not (name.startswith("cpu") and name[3:].isdigit() and name.isascii()):
            continue
        values = rest.split()
        if len(values) < len(FIELDS):
            short = f"{name} has {len(values)} of {len(FIELDS)} fields"
            raise SourceProblem(short, where=f"{where}:{number}")
        cores[name] = [unsigned(value, where, number, field) for value, field in zip(values, FIELDS)]
    if not cores:
        raise SourceProblem("has no line of a core", where=where)
    return cores


def spent(before: list[int], now: list[int]) -> tuple[int, int] | None:
    """(busy, total) ticks between two readings of one core, lists of FIELDS; None when its counters went
    back.

    Not busy is idle and iowait together: the kernel moves a sleep from iowait to idle when the task it waited
    for wakes on another core. iowait alone then goes back, as proc_stat(5) warns, but the sum stays true."""
    busy = resting = 0
    for field, (old, new) in enumerate(zip(before, now)):
        if field in (_IDLE, _IOWAIT):
            resting += new - old
        elif new < old - _JITTER:
            return None
        elif new > old:
            busy += new - old
    if resting < -_JITTER:
        return None
    return busy, busy + max(resting, 0)


def collect(world: World) -> Reading:
    """`cpu.usage_percent` (0 to 100) for each core seen twice, and for all of these together as core `all`.

    The first run, a core that is new, and one whose counters went back or stood still give no value."""
    cores = parse(read(world), world.root + PATH)
    earlier = _remembered(world.state)
    samples: list[Sample] = []
    warnings: list[str] = []
    busy_all = total_all = 0
    for name, now in cores.items():
        before = earlier.get(name)
        if before is None:
            continue
        ticks = spent(before, now)
        if ticks is None:
            warnings.append(f"{name}: counters went back, no value this time")
            continue
        busy, total = ticks
        if total == 0:
            continue
        samples.append(Sample("cpu.usage_percent", _percent(busy, total), {"core": name}))
        busy_all += busy
        total_all += total
    if total_all:
        samples.append(Sample("cpu.usage_percent", _percent(busy_all, total_all), {"core": "all"}))
    return Reading(samples, _state(cores), warnings)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2)


def _state(cores: dict[str, list[int]]) -> str:
    """Lines as `/proc/stat` has them, so that one parser reads both."""
    return "".join([f"{name} {' '.join(map(str, ticks))}\n" for name, ticks in cores.items()])


def _remembered(state: str) -> dict[str, list[int]]:
    """A state that can't be read (another version left it) is as good as none."""
    try:
        return parse(state)
    except SourceProblem:
        return {}
