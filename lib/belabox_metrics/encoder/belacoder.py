"""BELABOX's streaming program: whether it runs, and between which bitrates it may choose.

belaUI (its `belaUI.js`) starts `belacoder … -b /tmp/belacoder_br` as a child of its service and writes two lines into
that file, the lowest and the highest bitrate in bit/s. The file outlives the stream. The bitrate in force between
the two is written nowhere.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..source import list_dir, read_text, unsigned, whole_lines

COMMAND = "belacoder"
LIMITS = "/tmp/belacoder_br"  # noqa: S108 - where belaUI puts it
# The service's processes: in the unified hierarchy of cgroups, and in the old one.
GROUPS = (
    "/sys/fs/cgroup/system.slice/belaUI.service/cgroup.procs",
    "/sys/fs/cgroup/systemd/system.slice/belaUI.service/cgroup.procs",
)
_MOST = 10_000_000_000  # bit/s


def limits(root: str) -> tuple[int, int]:
    """(lowest, highest) bitrate in bit/s. Raises NoData without the file, SourceProblem when it holds anything
    else."""
    where = root + LIMITS
    lines = whole_lines(read_text(root, LIMITS, 4096), where)
    if len(lines) != 2:
        raise SourceProblem(f"has {len(lines)} lines, not a lowest and a highest bitrate", where=where)
    low, high = (unsigned(line.strip(), where, number, "bitrate") for number, line in enumerate(lines, 1))
    if not low <= high <= _MOST:
        raise SourceProblem(f"says from {low} to {high} bit/s, which can't be", where=where)
    return low, high


def process(root: str, hint: str = "") -> str:
    """The process id of a belacoder that runs, "" when none does. `hint` is looked at first: the answer of the last
    time."""
    if hint.isdigit() and _is_belacoder(root, hint):
        return hint
    for number in _candidates(root):
        if _is_belacoder(root, number):
            return number
    return ""


def _candidates(root: str) -> list[str]:
    for path in GROUPS:
        try:
            return read_text(root, path, 1 << 16).split()
        except (NoData, SourceProblem):
            continue
    # A fork's service has another name: all processes are looked at.
    try:
        return [name for name in list_dir(root, "/proc") if name.isdigit()]
    except (NoData, SourceProblem):
        return []


def _is_belacoder(root: str, number: str) -> bool:
    """By proc_pid_stat(5): `18 (belacoder) S …`. A name may hold anything, so the last `)` ends it."""
    try:
        name, _, rest = read_text(root, f"/proc/{number}/stat", 4096).partition("(")[2].rpartition(")")
    except (NoData, SourceProblem):  # it has ended since
        return False
    # One that has ended and was not asked how yet is still in the table, as Z.
    return name == COMMAND and rest.strip()[:1] not in ("", "Z", "X")
