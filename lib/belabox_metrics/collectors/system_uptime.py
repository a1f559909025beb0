"""`system.uptime`: how long ago the box was started.

Reads `/proc/uptime` (proc_uptime(5)): `13319.91 17711.10`, seconds since boot, time asleep included, and seconds that
cores were idle, which `cpu.usage` tells better. A value below the one before is a restart.
"""

from __future__ import annotations

from ..sample import Sample
from ..source import decimal, read_text, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "system.uptime"
PRIORITY = 3
SETTINGS: Settings = {}

PATH = "/proc/uptime"


def parse(text: str, where: str = PATH) -> float:
    """Seconds. Raises SourceProblem."""
    return decimal(whole_lines(text, where)[0].partition(" ")[0], where, 1, "uptime")


def collect(world: World) -> Reading:
    """`system.uptime_seconds`. Raises NoData without the file, SourceProblem when it can't be read."""
    return Reading([Sample("system.uptime_seconds", parse(read_text(world.root, PATH), world.root + PATH))])
