"""One apply at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from ..errors import Problem, TryLater
from .files import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds. An apply takes a few.
PATIENCE = 30.0


@contextlib.contextmanager
def exclusive(directory: str, wait_s: float = PATIENCE) -> Iterator[None]:
    """Hold `directory` for this process alone. Raises TryLater when another one holds it for longer than
    `wait_s`, Problem when there is no such directory, or it can't be locked."""
    with explained():
        # flock(2) works on a directory too: no lock file has to be left among the units.
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _acquire(handle, directory, time.monotonic() + wait_s)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, directory: str, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TryLater("another apply is still at work", where=directory) from None
            time.sleep(0.1)
        except OSError as error:
            raise Problem(f"cannot be locked: {error.strerror}", where=directory) from error
        else:
            return
