"""Files that are either the old ones or the new ones, also after a power cut."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ..errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

# What is about to be renamed; no name that systemd reads.
NEW = ".new"


def write(path: str, text: str) -> None:
    """Make `text` the content of `path`, readable by all. Makes its directory. Raises OSError."""
    _make_directory(path)
    handle = os.open(path + NEW, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + NEW, path)
    sync(os.path.dirname(path))


def link(path: str, target: str) -> None:
    """Make `path` a symbolic link to `target`. Makes its directory. Raises OSError."""
    _make_directory(path)
    forget_new(path)
    os.symlink(target, path + NEW)
    os.rename(path + NEW, path)
    sync(os.path.dirname(path))


def remove(path: str) -> None:
    """Remove `path`, and its directory when it was the last in it and belongs to one unit. Raises OSError."""
    os.unlink(path)
    directory = os.path.dirname(path)
    sync(directory)
    if directory.endswith((".d", ".wants")):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


def forget_new(path: str) -> None:
    """Remove what a crash left of write() or link()."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + NEW)


def sync(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """OSError from inside leaves as a Problem."""
    try:
        yield
    except OSError as fault:
        hint = "run it as root" if isinstance(fault, PermissionError) and os.geteuid() else ""
        raise Problem(str(fault.strerror), where=str(fault.filename or ""), hint=hint) from fault


def _make_directory(path: str) -> None:
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        os.mkdir(directory, 0o755)
        sync(os.path.dirname(directory))
