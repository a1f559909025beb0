"""Reading files that somebody else writes, and the numbers in them.

All of `/proc` and `/sys` is read here: bounded, never hanging, and with one clear line when it can't be."""

from __future__ import annotations

import posix as os  # as environment.py says

from .errors import NoData, SourceProblem

# Bytes. The longest honest file, /proc/net/dev of a host with thousands of containers, is shorter.
LIMIT = 1 << 20

_CHUNK = 1 << 16
_KIND = 0o170000
_REGULAR = 0o100000
_DIRECTORY = 0o040000
_MAX_UNSIGNED = (1 << 64) - 1  # the kernel counts in 64 bits


class Unreadable(SourceProblem):
    """Opening or reading it failed. `errno` tells a sensor that is off from a broken one."""

    def __init__(self, fault: OSError, where: str) -> None:
        super().__init__(f"can't be read: {fault.strerror or fault}", where=where)
        self.errno = fault.errno or 0


def read_text(root: str, path: str, limit: int = LIMIT) -> str:
    """The whole file at `path` under `root`. Bytes that are not UTF-8 appear as `\\xNN`, the rest is kept.

    Raises NoData when there is no such file; SourceProblem when it can't be read, is no file, or is longer
    than `limit` bytes."""
    where = root + path
    handle = _open(where)
    try:
        data = _read(handle, limit + 1)
    except OSError as fault:
        raise Unreadable(fault, where) from None
    finally:
        os.close(handle)
    if len(data) > limit:
        raise SourceProblem(f"is longer than {limit} bytes", where=where)
    return data.decode("utf-8", "backslashreplace")


def read_tail(root: str, path: str, limit: int) -> tuple[str, int]:
    """The last `limit` bytes of a growing file, and when it was last written (Unix time, ms).

    Raises like read_text, but never for its length."""
    where = root + path
    handle = _open(where)
    try:
        about = os.fstat(handle)
        if about.st_size > limit:
            os.lseek(handle, about.st_size - limit, 0)
        data = _read(handle, limit)
    except OSError as fault:
        raise Unreadable(fault, where) from None
    finally:
        os.close(handle)
    return data.decode("utf-8", "backslashreplace"), about.st_mtime_ns // 1_000_000


def is_directory(path: str) -> bool:
    """Whether there is a directory at `path`."""
    try:
        return os.stat(path).st_mode & _KIND == _DIRECTORY
    except (OSError, ValueError):
        return False


def list_dir(root: str, path: str) -> list[str]:
    """The names in a directory, in no order. Raises NoData without one, SourceProblem when unreadable."""
    where = root + path
    try:
        return os.listdir(where)
    except FileNotFoundError:
        raise NoData(f"{where} does not exist") from None
    except OSError as fault:
        raise Unreadable(fault, where) from None


def whole_lines(text: str, where: str) -> list[str]:
    """The lines of a `/proc` table. One without its end is refused: half of a number is a number too."""
    if not text:
        raise SourceProblem("is empty", where=where)
    if not text.endswith("\n"):
        raise SourceProblem("ends in the middle of a line", where=where)
    lines = text.split("\n")
    lines.pop()
    return lines


def unsigned(field: str, where: str, line: int, name: str) -> int:
    """A counter as the kernel prints it: ASCII digits and nothing else (int() is far more generous).

    Raises SourceProblem naming the file, the line (1 is the first) and the field."""
    if field.isdigit() and field.isascii() and len(field) <= 20:
        value = int(field)
        if value <= _MAX_UNSIGNED:
            return value
    raise SourceProblem(f"{name} is {shown(field)}, not an unsigned number", where=f"{where}:{line}")


def decimal(field: str, where: str, line: int, name: str) -> float:
    """A number as the kernel prints one with a point: `0.69`. Raises SourceProblem like `unsigned`."""
    whole, point, part = field.partition(".")
    if len(field) <= 24 and field.isascii() and whole.isdigit() and (part.isdigit() or not point):
        return float(field)
    raise SourceProblem(f"{name} is {shown(field)}, not a number", where=f"{where}:{line}")


def shown(text: str) -> str:
    """Foreign text made fit for one line of a message."""
    return ascii(text) if len(text) <= 40 else ascii(text[:40]) + "…"


def plain(name: str) -> str:
    """A device's name as it is, unless it would do something to a terminal."""
    return name if name.isprintable() else ascii(name)


def _open(where: str) -> int:
    try:
        # O_NONBLOCK: a FIFO where a file should be must not stop a collector for good.
        handle = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NoData(f"{where} does not exist") from None
    except OSError as fault:
        raise Unreadable(fault, where) from None
    except ValueError:
        raise SourceProblem("is not the name of a file", where=ascii(where)) from None
    if os.fstat(handle).st_mode & _KIND != _REGULAR:
        os.close(handle)
        raise SourceProblem("is not a file", where=where)
    return handle


def _read(handle: int, limit: int) -> bytes:
    """Up to `limit` bytes; the kernel may hand out a table in pieces."""
    pieces = []
    left = limit
    while left > 0:
        piece = os.read(handle, min(left, _CHUNK))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
