"""`system.load`: how many tasks ran or waited to, on average.

Reads `/proc/loadavg` (proc_loadavg(5)): `1.74 0.69 0.33 2/123 11476`. A load of 8 keeps the eight cores of an RK3588
busy; tasks that wait for a disk count too.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..sample import Sample
from ..source import decimal, read_text, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "system.load"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/proc/loadavg"
SERIES = ("system.load_1m", "system.load_5m", "system.load_15m")


def parse(text: str, where: str = PATH) -> list[float]:
    """The averages over 1, 5 and 15 minutes. Raises SourceProblem."""
    fields = whole_lines(text, where)[0].split(" ")
    if len(fields) < len(SERIES):
        raise SourceProblem(f"has {len(fields)} of {len(SERIES)} averages", where=where)
    return [decimal(field, where, 1, name) for field, name in zip(fields, SERIES)]


def collect(world: World) -> Reading:
    """The three of SERIES. Raises NoData without the file, SourceProblem when it can't be read."""
    loads = parse(read_text(world.root, PATH), world.root + PATH)
    return Reading([Sample(series, load) for series, load in zip(SERIES, loads)])
