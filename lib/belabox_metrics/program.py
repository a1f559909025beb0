"""Running a program of the box: what it prints, bounded in time and size, and nothing of it left behind.

`subprocess` would cost ten milliseconds of CPU at every start, more than the bare interpreter does; the spawn and the
poll beneath it cost nothing that can be measured.
"""

from __future__ import annotations

import posix as os  # as environment.py says
from select import POLLERR, POLLHUP, POLLIN, poll
from time import monotonic, sleep

from .environment import variable
from .errors import NoData, SourceProblem, TryLater

# Where packages put programs. What somebody's PATH may say is no business of a job.
DIRECTORIES = ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin")
LIMIT = 256 * 1024  # bytes on each of its two outputs

# By number, because the module that has their names is dear. The same on every system.
_KILL = 9
_PIPE = 13
_DEVICE = 0o666
# English, points in numbers, and letters of every language as they are: in plain C many a program writes `?` for them.
_LOCALE = "C.UTF-8"


class Ended:
    """How a program ended: its exit `code` (negative: the signal that ended it), `out` and `err`, what it printed."""

    __slots__ = ("code", "err", "out")

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def complaint(self) -> str:
        """The first line it printed as an error, for a message; else how it ended."""
        for line in f"{self.err}\n{self.out}".split("\n"):
            if line.strip():
                said = line.strip()[:160]
                return said if said.isprintable() else ascii(said)
        return f"ended with exit code {self.code}" if self.code >= 0 else f"was ended by signal {-self.code}"


def find(root: str, name: str, package: str) -> str:
    """The path of a program below `root`. Raises NoData, naming the package that has it, when it is not installed."""
    for directory in DIRECTORIES:
        path = f"{root}{directory}/{name}"
        if os.access(path, os.X_OK):
            return path
    raise NoData(f"{name} is not installed (package {package})")


def run(command: list[str], timeout_ms: int, limit: int = LIMIT) -> Ended:
    """Run `command` (a path, then its arguments; no shell) until it and whatever it has started let go of its outputs.

    It has no input, no variables but the C locale, the directories of programs and where the system's bus is, and a
    process group of its own, which is killed when it takes longer than `timeout_ms` or prints more than `limit`.
    Bytes that are not UTF-8 appear as `\\xNN`.

    Raises TryLater when it took too long, SourceProblem when it can't be started or prints too much."""
    name = command[0].rpartition("/")[2]
    deadline = monotonic() + timeout_ms / 1000
    out, to_out = os.pipe()
    err, to_err = os.pipe()
    try:
        try:
            child = _spawn(command, to_out, to_err)
        finally:
            os.close(to_out)
            os.close(to_err)
        running = True
        try:
            printed = _read({out: bytearray(), err: bytearray()}, deadline, limit, name)
            code = _ended(child, deadline, name)
            running = False
        finally:
            if running:
                os.killpg(child, _KILL)
                os.waitpid(child, 0)
    finally:
        os.close(out)
        os.close(err)
    return Ended(code, _text(printed[out]), _text(printed[err]))


def _spawn(command: list[str], to_out: int, to_err: int) -> int:
    environment = {"LC_ALL": _LOCALE, "PATH": ":".join(DIRECTORIES)}
    bus = variable("DBUS_SYSTEM_BUS_ADDRESS")
    if bus:
        environment["DBUS_SYSTEM_BUS_ADDRESS"] = bus
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, _DEVICE),
        (os.POSIX_SPAWN_DUP2, to_out, 1),
        (os.POSIX_SPAWN_DUP2, to_err, 2),
    ]
    try:
        # The interpreter ignores a broken pipe, and a child would inherit that.
        return os.posix_spawn(command[0], command, environment, file_actions=actions, setpgroup=0, setsigdef=(_PIPE,))
    except OSError as fault:
        raise SourceProblem(f"can't be started: {fault.strerror or fault}", where=command[0]) from None


def _read(printed: dict[int, bytearray], deadline: float, limit: int, name: str) -> dict[int, bytearray]:
    """Fill `printed`, buffers by descriptor, up to the end of each."""
    waiting = poll()
    for handle in printed:
        waiting.register(handle, POLLIN)
    open_ends = len(printed)
    while open_ends:
        for handle, event in waiting.poll(_left(deadline, name) * 1000):
            piece = os.read(handle, 65536) if event & (POLLIN | POLLHUP | POLLERR) else b""
            if not piece:
                waiting.unregister(handle)
                open_ends -= 1
            printed[handle] += piece
            if len(printed[handle]) > limit:
                raise SourceProblem(f"prints more than {limit} bytes", where=name)
    return printed


def _ended(child: int, deadline: float, name: str) -> int:
    """The exit code. A program has let go of its outputs when this is called, so it ends within a moment."""
    pause = 0.0005
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        sleep(min(pause, _left(deadline, name)))
        pause = min(pause * 2, 0.05)


def _left(deadline: float, name: str) -> float:
    """Seconds. Raises TryLater when there are none."""
    left = deadline - monotonic()
    if left <= 0:
        raise TryLater("did not end in time", where=name)
    return left


def _text(printed: bytearray) -> str:
    return printed.decode("utf-8", "backslashreplace")
