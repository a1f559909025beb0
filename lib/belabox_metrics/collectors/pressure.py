"""`pressure`: how much of the time work stood still for want of memory, disk or processor.

Reads `/proc/pressure/{memory,io,cpu}` (the kernel's `Documentation/accounting/psi.rst`): `some` is time in which at
least one task waited, `full` in which all did. Taken from `total`, microseconds since boot, so that each value is true
for all the time since the run before; the kernel's own averages fade. `full` of cpu is always 0 for a whole machine,
and left out.

One metric for three files, because a start costs more than all of them: what the documents call memory pressure is
its `memory.pressure_some_percent` and `memory.pressure_full_percent`.
"""

from __future__ import annotations

import errno

from ..errors import NoData, SourceProblem
from ..sample import Sample
from ..source import Unreadable, read_text, shown, unsigned, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "pressure"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/proc/pressure"
# (resource, kind); Linux before 5.13 has no line `full` for cpu at all.
SERIES = (("memory", "some"), ("memory", "full"), ("io", "some"), ("io", "full"), ("cpu", "some"))
RESOURCES = ("memory", "io", "cpu")


def parse(text: str, where: str) -> dict[str, int]:
    """Text of one file to `{"some": microseconds, "full": …}`. Raises SourceProblem; `full` may be missing."""
    totals: dict[str, int] = {}
    for number, line in enumerate(whole_lines(text, where), 1):
        kind, *fields = line.split(" ")
        total = [field for field in fields if field.startswith("total=")]
        if kind in ("some", "full") and len(total) == 1:
            totals[kind] = unsigned(total[0][len("total=") :], where, number, kind)
    if "some" not in totals:
        raise SourceProblem("has no line some with a total", where=where)
    return totals


def read(world: World) -> dict[str, int]:
    """`{"memory.some": microseconds}` of what the kernel has. Raises NoData when it keeps no account of pressure."""
    totals: dict[str, int] = {}
    for resource in RESOURCES:
        path = f"{PATH}/{resource}"
        try:
            found = parse(read_text(world.root, path), world.root + path)
        except NoData:
            continue
        except Unreadable as fault:
            # The files are there and closed where the kernel was started with psi=0.
            if fault.errno != errno.EOPNOTSUPP:
                raise
            continue
        totals.update({f"{resource}.{kind}": total for kind, total in found.items()})
    if not totals:
        raise NoData(f"{world.root}{PATH}: this kernel keeps no account of pressure")
    return totals


def collect(world: World) -> Reading:
    """`{memory,io,cpu}.pressure_some_percent` and `{memory,io}.pressure_full_percent`, 0 to 100, since the run before;
    none the first time."""
    totals = read(world)
    before = _remembered(world.state)
    samples: list[Sample] = []
    for resource, kind in SERIES:
        now, then = totals.get(f"{resource}.{kind}"), before.get(f"{resource}.{kind}")
        if now is None or then is None or now < then or not world.elapsed_ms:
            continue
        # Read a moment later than the clock, so it may come out at a little over all of the time.
        percent = min(round((now - then) / (10 * world.elapsed_ms), 3), 100.0)
        samples.append(Sample(f"{resource}.pressure_{kind}_percent", percent))
    return Reading(samples, " ".join([f"{name}={total}" for name, total in totals.items()]))


def _remembered(state: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in state.split(" "):
        name, _, total = word.partition("=")
        try:
            found[name] = unsigned(total, "state", 1, shown(name))
        except SourceProblem:
            continue
    return found
