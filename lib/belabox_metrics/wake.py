"""The file that wakes the uploader: belabox-metrics-urgent.path starts it as long as it is there.

A collector makes it after its commit, the uploader removes it before it looks into the queue: what is stored meanwhile
makes it anew, so nothing is missed.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from .environment import variable
from .errors import Problem
from .store import link
from .store.runs import CRITICAL, HIGH
from .store.settings import first, section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .clock import Moment

# Named in units/belabox-metrics-urgent.path as well.
WANTED = "/run/belabox-metrics/upload-wanted"


def path() -> str:
    """Where the file is: what a test says, or the place the unit watches."""
    return variable("BELABOX_METRICS_WANTED") or WANTED


def is_wanted() -> bool:
    """Whether somebody has asked for an upload since the last clear()."""
    return os.access(path(), os.F_OK)


def clear() -> None:
    """Remove the file. Raises Problem when that can't be done: an uploader that left it would be started for ever."""
    try:
        os.unlink(path())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise Problem(f"can't be removed: {error.strerror}", where=path()) from error


def make() -> None:
    """Ask for an upload now. Without the directory nobody watches: a checkout, another operating system."""
    try:
        os.close(os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o640))
    except OSError:
        # The timer will send it. A sample that is stored is no failure.
        return


def is_due(connection: Connection, priority: int, interval_ms: int, moment: Moment) -> bool:
    """Whether what was stored at `moment`, with this priority and the next run in `interval_ms`, is to be sent now
    rather than when the timer comes. docs/upload.md has the rules."""
    remote = section(connection, "remote")
    if not first(remote, "enabled", 0) or not first(remote, "url", "") or first(remote, "mode", "auto") == "offline":
        return False
    known, now = link.read(connection, moment.boot_id), moment.boottime_ms
    if known.retry_ms is not None and now >= known.retry_ms:
        return True
    if priority > HIGH:
        return False
    backoff = int(first(section(connection, "remote.retry"), "initial_backoff_ms", 5_000))
    if not known.may_try(now, priority == CRITICAL, backoff):
        return False
    high = int(first(section(connection, "remote.priority"), "high_ms", 10_000))
    return priority == CRITICAL or known.attempt_ms is None or now - known.attempt_ms + interval_ms > high
