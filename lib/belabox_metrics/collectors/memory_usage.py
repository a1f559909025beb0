"""`memory.usage`: memory and swap, used and in all.

Reads `/proc/meminfo` (proc_meminfo(5); the kernel's `Documentation/filesystems/proc.rst`). What it calls kB
is 1024 bytes. Used is MemTotal - MemAvailable, as `free` of procps-ng 4 has it: memory that a new program
could not get without swapping. MemAvailable is there since Linux 3.14; without it the run fails rather than
guess from free and cached memory, which would be another quantity under the same name.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..sample import Sample
from ..source import read_text, shown, unsigned, whole_lines
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "memory.usage"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/proc/meminfo"
NEEDED = ("MemTotal", "MemAvailable")
OPTIONAL = ("SwapTotal", "SwapFree")


def read(world: World) -> str:
    """The text of `/proc/meminfo`. Raises NoData without it, SourceProblem when it can't be read."""
    return read_text(world.root, PATH)


def parse(text: str, where: str = PATH) -> dict[str, int]:
    """Text to `{"MemTotal": bytes, …}` of NEEDED and OPTIONAL. Raises SourceProblem; only OPTIONAL may be
    missing."""
    found: dict[str, int] = {}
    for number, line in enumerate(whole_lines(text, where), 1):
        name, _, rest = line.partition(":")
        if name not in NEEDED and name not in OPTIONAL:
            continue
        value, _, unit = rest.strip(" ").partition(" ")
        if unit != "kB":
            odd = f"{name} is {shown(rest.strip())}, not a number of kB"
            raise SourceProblem(odd, where=f"{where}:{number}")
        found[name] = unsigned(value, where, number, name) * 1024
    for name in NEEDED:
        if name not in found:
            raise SourceProblem(f"{name} is missing", where=where)
    return found


def collect(world: World) -> Reading:
    """`memory.{used,available,total}_bytes`, and `memory.swap_{used,total}_bytes` where the kernel tells."""
    found = parse(read(world), world.root + PATH)
    total, available = found["MemTotal"], found["MemAvailable"]
    samples = [
        # The two are not taken at the same instant: available can exceed total on an idle virtual machine.
        Sample("memory.used_bytes", max(total - available, 0)),
        Sample("memory.available_bytes", available),
        Sample("memory.total_bytes", total),
    ]
    if "SwapTotal" in found and "SwapFree" in found:
        samples += [
            Sample("memory.swap_used_bytes", max(found["SwapTotal"] - found["SwapFree"], 0)),
            Sample("memory.swap_total_bytes", found["SwapTotal"]),
        ]
    return Reading(samples)
