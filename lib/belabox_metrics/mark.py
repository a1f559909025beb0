"""Empty files in /run that say one thing to whoever looks: that a job is wanted, that the clock is right.

Path units start a job as long as its mark is there; the job removes it. The uploader does so before it looks at what
there is to send: who leaves one meanwhile leaves it anew, so nothing is missed. `recover`, which is to be started again
where it is killed half way, does so at its end, unless it was left anew.
"""

from __future__ import annotations

import posix as os  # as environment.py says
import time

from .environment import variable
from .errors import Problem


class Mark:
    """The file at `place`, or where the variable `elsewhere` of the environment says."""

    __slots__ = ("_elsewhere", "place")

    def __init__(self, place: str, elsewhere: str = "") -> None:
        self.place = place
        self._elsewhere = elsewhere

    @property
    def path(self) -> str:
        return (variable(self._elsewhere) if self._elsewhere else "") or self.place

    def is_left(self) -> bool:
        """Whether somebody has left it since it was last removed."""
        return os.access(self.path, os.F_OK)

    def left_ns(self) -> int:
        """When somebody last did so, 0 where nobody has."""
        try:
            return os.stat(self.path).st_mtime_ns
        except OSError:
            return 0

    def leave(self) -> None:
        """Without the directory nobody looks there, as in a checkout: then nothing is done. Root may be here too, where
        others may write: it follows no link, and waits at no pipe."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(self.path, flags, 0o640)
        except OSError:
            # Each job has a timer as well. What the mark was left for is no failure.
            return
        try:
            now_ns = time.time_ns()  # the kernel's own is of the last tick
            os.utime(descriptor, ns=(now_ns, now_ns))
        finally:
            os.close(descriptor)

    def remove(self, left_ns: int | None = None) -> None:
        """Unless somebody has left it anew since `left_ns`. Raises Problem when that can't be done: a job that leaves
        it there would be started for ever."""
        if left_ns is not None and self.left_ns() != left_ns:
            return
        try:
            os.unlink(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise Problem(f"can't be removed: {error.strerror}", where=self.path) from error


# Each is named in the unit that watches it as well.
UPLOAD = Mark("/run/belabox-metrics/upload-wanted", "BELABOX_METRICS_WANTED")
RECOVER = Mark("/run/belabox-metrics/recover-wanted", "BELABOX_METRICS_RECOVER")
