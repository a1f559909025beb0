"""What is sent and what waits, as the queue says it at one moment."""

from __future__ import annotations

from bisect import bisect_right

from ..store import backlog, flights, queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    Span = tuple[int, int]


class Standing:
    """One reading of the queue. Uploads go on meanwhile: what they send after it is none of its business.

    `frontier`: the newest run. `uploaded_ms`: Unix time of the last chunk that the server accepted, 0 for none."""

    def __init__(self, connection: Connection) -> None:
        # One look: a run that moves from a flight to its position must not be in neither.
        connection.execute("BEGIN")
        try:
            self.frontier = queue.frontier(connection)
            self._positions = {priority: queue.position(connection, priority) for priority in queue.PRIORITIES}
            self._waiting = waiting_spans(connection)
            newest = connection.execute(
                "SELECT upload_time FROM upload_checkpoints ORDER BY id DESC LIMIT 1"
            ).fetchone()
            self.uploaded_ms = int(newest[0] or 0) if newest else 0
        finally:
            connection.execute("COMMIT")

    def is_sent(self, priority: int, run: int) -> bool:
        """Whether the server has accepted all of this run that was not set aside."""
        return run <= self._positions[priority] and not covers(self._waiting[priority], run)


def waiting_spans(connection: Connection) -> dict[int, list[Span]]:
    """By priority, the spans (after, upto] of the backlog and of what is on its way: sorted, none overlapping. Of a
    chunk that was halved some samples may have arrived; its runs wait all the same until the last of them has."""
    found: dict[int, list[Span]] = {priority: [] for priority in queue.PRIORITIES}
    for _, priority, after, upto in backlog.spans(connection):
        found[priority].append((after, upto))
    for flight in flights.under_way(connection):
        found[flight.priority].append((flight.after_run, flight.last_run))
    return {priority: _joined(spans) for priority, spans in found.items()}


def covers(spans: list[Span], run: int) -> bool:
    """Whether `run` is in one of `spans`, which are as waiting_spans() has them."""
    at = bisect_right(spans, (run - 1, queue.END)) - 1
    return at >= 0 and spans[at][0] < run <= spans[at][1]


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for after, upto in sorted(spans):
        if joined and after <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], upto))
        else:
            joined.append((after, upto))
    return joined
