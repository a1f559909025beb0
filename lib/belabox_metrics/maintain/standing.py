"""Which runs the uploader is through with: nothing else may be rolled up or deleted while samples are to be sent."""

from __future__ import annotations

from ..store import flights, queue
from ..verify.standing import covers, waiting_spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# Those of which most comes are asked first: where they wait, it need not be looked further for the others.
_MOST_FIRST = (2, 3, 1, 0)


class Standing:
    """One reading of the queue; inside a transaction it holds until its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._positions = {priority: queue.position(connection, priority) for priority in queue.PRIORITIES}
        # (after, upto] of each, in order: what drains behind, and what is on its way.
        self._spans = waiting_spans(connection)
        self._flights = [(one.priority, one.after_run, one.last_run) for one in flights.under_way(connection)]

    def is_under_way(self, priority: int, run: int) -> bool:
        """Whether `run` is in a chunk that is written down: it must stay as it is."""
        return any(priority == of and after < run <= upto for of, after, upto in self._flights)

    def is_sent(self, priority: int, run: int) -> bool:
        """Whether the server has all of `run`, or will never have it."""
        return run <= self._positions[priority] and not covers(self._spans[priority], run)

    def next_wait(self, priority: int, run: int) -> tuple[int, int]:
        """(after, upto] where all of `priority` waits: the first such that does not end before `run`. The last has no
        end."""
        waits = (*self._spans[priority], (self._positions[priority], queue.END))
        return next((after, upto) for after, upto in waits if upto >= run)

    def settled(self, after: int, upto: int) -> int:
        """The last run in (after, upto] before the first that waits; `upto` where none does."""
        for priority in _MOST_FIRST:
            for begin, end in (*self._spans[priority], (self._positions[priority], queue.END)):
                upto = self._before(priority, max(begin, after), min(end, upto), upto)
        return max(after, upto)

    def _before(self, priority: int, after: int, last: int, otherwise: int) -> int:
        """One less than the first run with values in (after, last]; `otherwise` where there is none."""
        if after >= last:
            return otherwise
        found = self._connection.execute(
            "SELECT id FROM runs WHERE id > ? AND id <= ? AND priority = ? AND packed IS NOT NULL ORDER BY id LIMIT 1",
            (after, last, priority),
        ).fetchone()
        return int(found[0]) - 1 if found else otherwise
