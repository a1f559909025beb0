"""The programs that stream, found in the process table (proc_pid_stat(5), proc_pid_cmdline(5)).

BELABOX starts `srtla_send`, which bonds the links and lives as long as the stream but for gaps of a tenth of a second,
and `belacoder`, which encodes and is started anew two seconds after each failure.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..source import list_dir, read_text, unsigned

ENCODER = "belacoder"
BONDER = "srtla_send"

# Field 22 of stat counts in USER_HZ, which is 100 on every Linux that Python runs on.
_TICK_MS = 10
# Longer command lines than this are not of these programs.
_ARGUMENTS = 16 * 1024
_STAT = 4096
# A process that has ended stays in the table until its parent asks for its exit code.
_DEAD = ("Z", "X", "x")


class Process:
    """`started_ms`: ms after boot. With the pid it names one process: a pid alone is used again."""

    __slots__ = ("parent", "pid", "started_ms")

    def __init__(self, pid: int, started_ms: int, parent: int = 0) -> None:
        self.pid = pid
        self.started_ms = started_ms
        self.parent = parent

    def same(self, other: Process | None) -> bool:
        return other is not None and (self.pid, self.started_ms) == (other.pid, other.started_ms)


def find(root: str, known: dict[str, Process] | None = None) -> dict[str, Process]:
    """The program's name to its process, for those of ENCODER and BONDER that run; the oldest where several do.

    known: what was found last time. While all of it still runs nothing else is looked at: reading the whole table
    costs several ms, on a box that encodes. Raises NoData without a table."""
    if known and set(known) == {ENCODER, BONDER}:
        still = {name: alive(root, process) for name, process in known.items()}
        if all(still.values()):
            return {name: process for name, process in still.items() if process}
    found: dict[str, Process] = {}
    for entry in list_dir(root, "/proc"):
        if not (entry.isdigit() and entry.isascii()):
            continue
        try:
            name = read_text(root, f"/proc/{entry}/comm", 64).rstrip("\n")
            process = _process(root, int(entry), name) if name in (ENCODER, BONDER) else None
        except (NoData, SourceProblem):
            continue  # It ended while it was looked at, or is nobody's business.
        if process and (name not in found or process.started_ms < found[name].started_ms):
            found[name] = process
    return found


def alive(root: str, process: Process) -> Process | None:
    """The process if it still runs, with the parent it has now."""
    try:
        now = _process(root, process.pid)
    except (NoData, SourceProblem):
        return None
    return now if now and now.same(process) else None


def started(root: str, pid: int) -> Process | None:
    """The process with this pid, None when there is none."""
    try:
        return _process(root, pid)
    except (NoData, SourceProblem):
        return None


def arguments(root: str, process: Process) -> list[str]:
    """Its command line, [] when it has ended. What follows `-s` in the encoder's is a secret."""
    try:
        text = read_text(root, f"/proc/{process.pid}/cmdline", _ARGUMENTS)
    except (NoData, SourceProblem):
        return []
    return text.split("\0")[:-1]


def uptime_ms(root: str) -> int:
    """Ms since boot, on the clock of the start times (`/proc/uptime`). Raises NoData, SourceProblem."""
    path = "/proc/uptime"
    words = read_text(root, path).split()
    seconds, dot, hundredths = words[0].partition(".") if words else ("", "", "")
    if not dot or len(hundredths) != 2:
        raise SourceProblem("does not begin with seconds", where=root + path)
    return 1000 * unsigned(seconds, root + path, 1, "uptime") + 10 * unsigned(hundredths, root + path, 1, "uptime")


def _process(root: str, pid: int, comm: str = "") -> Process | None:
    """None when it is dead. A program may call itself `a) b (c`: what follows the last `)` is the kernel's."""
    path = f"/proc/{pid}/stat"
    text = read_text(root, path, _STAT)
    name, close, rest = text.rpartition(")")
    fields = rest.split()
    if not close or len(fields) < 20 or (comm and name.partition("(")[2] != comm):
        raise SourceProblem("is not the state of the process", where=root + path)
    if fields[0] in _DEAD:
        return None
    ticks = unsigned(fields[19], root + path, 1, "starttime")
    return Process(pid, ticks * _TICK_MS, unsigned(fields[1], root + path, 1, "ppid"))
