"""Where chunks come from: the queue of a priority, or a span that drains behind."""

from __future__ import annotations

from ..store import backlog, queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..store.queue import PendingRun
    from .correction import Correction

_KEPT = "SELECT id FROM runs WHERE id > ? AND id <= ? AND priority = ? AND packed IS NOT NULL"


class Origin:
    """Runs of `priority` in (after, upto]; `span` is the id in the backlog, None for the queue itself.

    Reads a batch at a time, hands out a chunk at a time; what it hands out must be claimed. `held`: there is more, but
    its time is not known yet."""

    def __init__(self, priority: int, after: int, upto: int = queue.END, span: int | None = None) -> None:
        self.priority = priority
        self.span = span
        self.after = after
        self.upto = upto
        self.held = False
        self._read: list[PendingRun] = []

    @property
    def is_rest(self) -> bool:
        return queue.is_rest(self.priority, self.span)

    def peek(self, connection: Connection, correction: Correction, batch: int) -> list[PendingRun]:
        """The next runs, with about `batch` numbers and at their right time; none when there are none to send now."""
        if not self._read:
            found = queue.waiting(connection, self.priority, self.after, self.upto, batch)
            self._read = correction.apply(found)
            self.held = bool(found) and not self._read
        return self._read

    def still_has(self, connection: Connection, runs: list[PendingRun]) -> bool:
        """Whether `runs`, the first that peek() gave, are all there: some that wait may have been dropped since, where
        there was no room, and are counted as that. Then peek() reads anew. Inside a transaction."""
        kept = {number for (number,) in connection.execute(_KEPT, (self.after, runs[-1].id, self.priority))}
        if all(run.id in kept for run in runs):
            return True
        self._read = []
        return False

    def take(self, runs: int) -> None:
        """The first so many runs of what peek() gave have left."""
        self.after = self._read[runs - 1].id
        self._read = self._read[runs:]


def settle(connection: Connection, priority: int, span: int | None, run: int) -> None:
    """The queue of `priority`, or a span of it, has nothing left up to `run`. Inside a transaction."""
    if span is None:
        queue.advance(connection, priority, run)
    else:
        backlog.advance(connection, span, run)
