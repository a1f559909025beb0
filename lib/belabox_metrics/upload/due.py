"""Whether to try now, and what is due."""

from __future__ import annotations

from ..store import queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..remote.settings import Remote
    from ..store.link import Link

# An activation that comes a little early is not worth another one.
SLACK = 0.9


def may_try(link: Link, moment: Moment, remote: Remote, critical: bool) -> bool:
    """Whether a failure of before allows an attempt now. `critical`: a sample of priority 0 waits; it does not wait for
    a back-off that is longer than the first one, unless the server itself has named the time."""
    if link.not_before_ms is None or moment.boottime_ms >= link.not_before_ms:
        return True
    if link.binding or not critical or link.attempt_ms is None:
        return False
    return not link.failures or moment.boottime_ms - link.attempt_ms >= remote.retry.initial_backoff_ms


def is_due(connection: Connection, priority: int, remote: Remote, moment: Moment) -> bool:
    """Whether `priority` goes now: 0 and 1 always, 2 at the upload interval, 3 when its oldest may have waited nearly
    as long as it may."""
    if priority <= 1:
        return True
    since = queue.since_sent(connection, priority, moment)
    if since is None:
        return True
    interval = remote.upload_interval_ms
    # What is left waiting now waits another interval.
    return since >= SLACK * (interval if priority == 2 else max(remote.low_ms - interval, interval))
