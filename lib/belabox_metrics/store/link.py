"""What the uploader knows of the server and the way to it: it runs for a moment and has no other memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment

# Of the outcomes, as many are kept.
OUTCOMES_KEPT = 8
# From an attempt to the next one it is what the last failure added, or some minutes. What is farther away a card made
# of it, and nothing would be sent until the next boot.
_SLACK_MS = 3_600_000


class Link:
    """One row of `link`. Times are CLOCK_BOOTTIME in ms; those of another boot are None.

    mode: realtime, degraded, offline. outcomes: the last ones, a letter each (upload/mode.py), newest last.
    failures: attempts in a row that failed. attempt_ms: when it was last tried.
    not_before_ms: no attempt before this; binding: because the server said so, which holds for critical samples too.
    retry_ms: whoever comes by then wakes the uploader. backoff_ms: what the last failure added.
    rate: bytes a second that the way has carried, None before it was measured.
    status: of the last answer; error: why the last attempt failed, "" when it did not."""

    __slots__ = (
        "attempt_ms",
        "backoff_ms",
        "binding",
        "error",
        "failures",
        "mode",
        "not_before_ms",
        "outcomes",
        "rate",
        "retry_ms",
        "status",
    )

    def __init__(self) -> None:
        self.mode = "realtime"
        self.outcomes = ""
        self.failures = 0
        self.attempt_ms: int | None = None
        self.not_before_ms: int | None = None
        self.binding = False
        self.retry_ms: int | None = None
        self.backoff_ms = 0
        self.rate: float | None = None
        self.status: int | None = None
        self.error = ""

    def may_try(self, now_ms: int, critical: bool, initial_backoff_ms: int) -> bool:
        """Whether a failure of before allows an attempt now. `critical`: a sample of priority 0 waits; it does not wait
        for a back-off that is longer than the first one, unless the server itself has named the time."""
        if self.not_before_ms is None or now_ms >= self.not_before_ms:
            return True
        if self.binding or not critical or self.attempt_ms is None:
            return False
        return not self.failures or now_ms - self.attempt_ms >= initial_backoff_ms


def read(connection: Connection, boot_id: str = "") -> Link:
    """The link as it was left; its times when they are of this boot."""
    link = Link()
    row = connection.execute(
        "SELECT mode, outcomes, failures, binding, backoff_ms, rate, status, error,"
        " attempt_boottime_ms, not_before_boottime_ms, retry_boottime_ms, boot_id"
        " FROM link LEFT JOIN boots ON boots.id = link.boot"
    ).fetchone()
    if row is None:
        return link
    link.mode, link.outcomes, link.failures = str(row[0]), str(row[1]), int(row[2])
    link.binding, link.backoff_ms, link.rate, link.status = bool(row[3]), int(row[4]), row[5], row[6]
    link.error = row[7] or ""
    if boot_id and row[11] == boot_id:
        link.attempt_ms, link.not_before_ms, link.retry_ms = row[8:11]
        if link.attempt_ms is not None and (link.not_before_ms or 0) - link.attempt_ms > link.backoff_ms + _SLACK_MS:
            link.not_before_ms = None
    return link


def write(connection: Connection, link: Link, moment: Moment) -> None:
    """Leave it for the next one. Inside a transaction, after a run of this boot was added."""
    connection.execute(
        "UPDATE link SET mode = ?, outcomes = ?, failures = ?, binding = ?, backoff_ms = ?, rate = ?, status = ?,"
        " error = ?, attempt_boottime_ms = ?, not_before_boottime_ms = ?, retry_boottime_ms = ?,"
        " boot = (SELECT id FROM boots WHERE boot_id = ?)",
        (
            link.mode,
            link.outcomes[-OUTCOMES_KEPT:],
            link.failures,
            link.binding,
            link.backoff_ms,
            link.rate,
            link.status,
            link.error or None,
            link.attempt_ms,
            link.not_before_ms,
            link.retry_ms,
            moment.boot_id,
        ),
    )


def forget(connection: Connection) -> None:
    """Another server, another token: nothing that is known holds. Inside a transaction."""
    connection.execute(
        "UPDATE link SET mode = 'realtime', outcomes = '', failures = 0, binding = 0, backoff_ms = 0, rate = NULL,"
        " status = NULL, error = NULL, attempt_boottime_ms = NULL, not_before_boottime_ms = NULL,"
        " retry_boottime_ms = NULL"
    )
