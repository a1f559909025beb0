"""The one lock that orders all writers: flock(2) on a file of its own beside the database.

Never on the database itself: closing any descriptor of it would drop SQLite's own locks in this process. The file is
never unlinked, so that two processes can't hold locks on two files of the same name.
"""

from __future__ import annotations

import fcntl
import posix as os  # as environment.py says

from ..deadline import Deadline
from ..errors import StoreProblem, TryLater


class Lock:
    """An exclusive flock with a deadline; the kernel frees it when its holder dies, however it dies.

    Raises TryLater when the lock was not had in `wait_s` seconds, naming the holder; StoreProblem when the file can't
    be opened or locked, Unwritable where that is for want of room.
    """

    def __init__(self, path: str, wait_s: float) -> None:
        self.path = path
        self.wait_s = wait_s
        self._descriptor = -1

    def acquire(self) -> None:
        try:
            descriptor = self._opened()
        except OSError as error:
            from .room import unwritable

            if refusal := unwritable(error, self.path):
                raise refusal from error
            hint = "the directory must exist and belong to the user the jobs run as"
            if isinstance(error, PermissionError):
                hint = f"use sudo; {hint}"
            raise StoreProblem(f"cannot open the lock file: {error.strerror}", where=self.path, hint=hint) from error
        try:
            self._wait(descriptor)
        except BaseException as failed:
            os.close(descriptor)
            if isinstance(failed, OSError):
                hint = "is this a file system that knows flock(2)?"
                raise StoreProblem(f"cannot be locked: {failed.strerror}", where=self.path, hint=hint) from failed
            raise
        try:  # noqa: SIM105 - contextlib costs a millisecond
            # For a person who asks who holds it. Padded, so that one write replaces the whole content.
            os.pwrite(descriptor, f"{os.getpid():<10}\n".encode(), 0)
        except OSError:  # a full disk: the lock is held all the same
            pass
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(self.path, flags)
        except FileNotFoundError:
            from .ownership import made
        try:
            return made(self.path)
        except FileExistsError:  # somebody was quicker
            return os.open(self.path, flags)

    def _wait(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return

        def too_late() -> TryLater:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            return TryLater(
                f"the lock was not free for {self.wait_s:g} s, process {holder} holds it",
                where=self.path,
                hint=f"see what it does: ps -p {holder}",
            )

        with Deadline(self.wait_s, too_late):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
