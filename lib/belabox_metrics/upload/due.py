"""What is due."""

from __future__ import annotations

from ..store import queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..remote.settings import Remote

# An activation that comes a little early is not worth another one.
SLACK = 0.9


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
