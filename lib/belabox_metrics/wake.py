"""Whether the uploader is to be woken for what was stored: belabox-metrics-urgent.path starts it as long as its mark is
there. A collector leaves that after its commit, the uploader removes it before it looks into the queue."""

from __future__ import annotations

from .store import link
from .store.runs import CRITICAL, HIGH
from .store.settings import first, section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .clock import Moment


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
