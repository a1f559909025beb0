"""A metric of a person's own: the program that its entry in the configuration names, run and read.

One module for all of them, since they differ in nothing but their settings. It has no METRIC: what it collects is the
metric that it was loaded for. What a program may do is what its unit may, and docs/own-metrics.md tells that.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from ..errors import NoData, SourceProblem
from ..program import find, run
from ..world import Reading
from .lines import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

PRIORITY = 2
SETTINGS: Settings = {
    # The name of a file in DIRECTORY. In the configuration it stands beside `name`.
    "exec": ("name", ""),
    "timeout": ("duration", 10_000),
}
DIRECTORY = "/etc/belabox-metrics/collectors.d"
# The unit's own limit is 20 s, and a person learns more from ours.
LONGEST_MS = 15_000
LIMIT = 64 * 1024  # bytes printed
_TOLD = 3


def collect(world: World) -> Reading:
    """The values that the program prints. Lines that are wrong are left out and warned about, when that changes.

    Raises NoData when it prints none and is well (exit code 0), TryLater when it takes too long, SourceProblem when it
    can't be started, prints too much, nothing that is right, or ends with another code."""
    path = f"{world.root}{DIRECTORY}/{world.text('exec')}"
    ended = run([*_for_good(), path], min(world.number("timeout"), LONGEST_MS), LIMIT)
    if ended.code:
        raise SourceProblem(f"failed: {ended.complaint()}", where=path)
    samples, faults = parse(ended.out)
    if not samples and not faults:
        raise NoData(f"{path} printed no values")
    said = "; ".join(faults[:_TOLD]) + (f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else "")
    if not samples:
        raise SourceProblem(said, where=path)
    return Reading(samples, said, [f"{path}: {said}"] if said and said != world.state else [])


def _for_good() -> list[str]:
    """What a command begins with that root has started by hand. Its process is the user of the jobs for as long as it
    wants to be, and could be root again: a shell is so at once. The program is not to have that choice."""
    if os.getuid() == os.geteuid():
        return []
    ids = [f"--reuid={os.geteuid()}", f"--regid={os.getegid()}"]
    return [find("", "setpriv", "util-linux"), *ids, "--keep-groups", "--no-new-privs", "--"]
