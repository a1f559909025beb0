"""The file that wakes the uploader: belabox-metrics-urgent.path starts it as long as it is there.

A collector makes it after its commit, the uploader removes it before it looks into the queue: what is stored meanwhile
makes it anew, so nothing is missed.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from .environment import variable
from .errors import Problem
from .store.settings import first, section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .clock import Moment

# Named in units/belabox-metrics-urgent.path as well.
WANTED = "/run/belabox-metrics/upload-wanted"

CRITICAL = 0
HIGH = 1


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
        os.close(os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640))
    except OSError:
        # The timer will send it. A sample that is stored is no failure.
        return


def is_due(connection: Connection, priority: int, interval_ms: int, moment: Moment) -> bool:
    """Whether what was stored at `moment`, with this priority and the next run in `interval_ms`, is to be sent now
    rather than when the timer comes. docs/upload.md has the rules."""
    remote = section(connection, "remote")
    if not first(remote, "enabled", 0) or not first(remote, "url", "") or first(remote, "mode", "auto") == "offline":
        return False
    row = connection.execute(_LINK, (moment.boot_id,)).fetchone()
    attempt_ms, not_before_ms, retry_ms, binding, failures = row or (None, None, None, 0, 0)
    now = moment.boottime_ms
    waits = not_before_ms is not None and now < not_before_ms
    since = None if attempt_ms is None else now - attempt_ms
    if retry_ms is not None and now >= retry_ms:
        return True
    if priority == CRITICAL:
        if binding and waits:
            return False
        backoff = int(first(section(connection, "remote.retry"), "initial_backoff_ms", 5_000))
        return not failures or since is None or since >= backoff
    if priority == HIGH:
        high = int(first(section(connection, "remote.priority"), "high_ms", 10_000))
        return not waits and (since is None or since + interval_ms > high)
    return False


# Times of another boot say nothing.
_LINK = """
SELECT attempt_boottime_ms, not_before_boottime_ms, retry_boottime_ms, binding, failures
FROM link JOIN boots ON boots.id = link.boot WHERE boot_id = ?
"""
