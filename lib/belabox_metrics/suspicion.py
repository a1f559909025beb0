"""A bug that may be none: a card that gives back what was never written makes a database hold what no job expects, and
the next run as little as this one. The job `recover` is asked to look the whole of it over."""

from __future__ import annotations

import contextlib
import os

from . import clock
from .mark import RECOVER

# Beside the mark, when somebody last asked: ms since boot.
_ASKED = ".asked"
ASK_AGAIN_MS = 3_600_000
# Root, who may be here too, follows no link that a job has left, and waits at no pipe.
_CAREFUL = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def suspect(again_ms: int = ASK_AGAIN_MS) -> None:
    """Ask for a look, if nobody has for `again_ms`: a bug comes again with each run. Nothing is done where nobody may
    be asked: by a person who may not, on a box without the service."""
    now_ms = clock.boottime_ms()
    place = RECOVER.path + _ASKED
    with contextlib.suppress(OSError, ValueError), open(os.open(place, os.O_RDONLY | _CAREFUL), "rb") as asked:
        if 0 <= now_ms - int(asked.read(32) or b"") < again_ms:
            return
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place)
        with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFUL, 0o640), "wb") as asked:
            asked.write(b"%d\n" % now_ms)
    except OSError:
        return
    RECOVER.leave()
