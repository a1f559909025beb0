"""What there is to send in this activation, in its order: what is under way, what is due, what drains behind."""

from __future__ import annotations

from ..store import backlog, flights, queue
from . import due
from .origin import Origin, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..remote.settings import Remote
    from ..store.database import Store
    from ..store.flights import Flight
    from ..store.queue import PendingRun
    from .correction import Correction

# What has waited so long, and so many of its intervals, is not of now any more; the newest minute of it still is.
BACKLOG_AGE_MS = 5 * 60 * 1000
BACKLOG_INTERVALS = 4
RECENT_MS = 60 * 1000
# A position is worth a write only when looking again would cost more.
SKIP_MS = 10 * 60 * 1000


class Plan:
    """`under_way`: flights of an activation before this one, or parts of a chunk that was halved.
    `origins`: where the next chunks come from. `everything`: what is not due goes too."""

    def __init__(
        self, store: Store, remote: Remote, moment: Moment, correction: Correction, everything: bool = False
    ) -> None:
        self._store = store
        self._remote = remote
        self._moment = moment
        self.correction = correction
        self._everything = everything
        self._frontier = 0
        self._emptied: list[Origin] = []
        self.under_way: list[Flight] = []
        self.origins: list[Origin] = []

    def read(self) -> bool:
        """Look into the database. Whether there is anything to send."""
        connection = self._store.connection()
        # Taken first: what is stored from here on is the next activation's.
        self._frontier = queue.frontier(connection)
        if self._remote.backfill.enabled:
            self._split(connection)
        self.under_way = flights.under_way(connection)
        live = self._live(connection)
        behind = [
            Origin(priority, max(after, flights.last_claimed(connection, priority, span)), upto, span)
            for span, priority, after, upto in backlog.spans(connection)
        ]
        self.origins = [*live, *behind]
        # A list first: what is due and has nothing is to be known as empty. But of many spans each would be a batch in
        # memory.
        waiting = [self.has_more(source) for source in live]
        return bool(self.under_way) or any(waiting) or any(self.has_more(source) for source in behind)

    def is_behind(self) -> bool:
        """Whether more than a batch waits."""
        return queue.pending_count(self._store.connection()) > self._remote.batch_size

    def look_again(self) -> None:
        """A critical or high sample was stored meanwhile."""
        connection = self._store.connection()
        kept = [source for source in self.origins if source.span is not None or source.priority > 1]
        self.origins = [source for source in self._live(connection) if source.priority <= 1] + kept

    def peek(self, source: Origin) -> list[PendingRun]:
        """What `source` has next, a batch at most; none when there is nothing more to send now."""
        return source.peek(self._store.connection(), self.correction, self._remote.batch_size)

    def has_more(self, source: Origin) -> bool:
        """Whether `source` has something to send now; one that has not leaves the plan."""
        if self.peek(source):
            return True
        self.origins.remove(source)
        if not source.held:
            self._emptied.append(source)
        return False

    def note(self, connection: Connection) -> None:
        """Write down what was found empty. Inside a transaction."""
        # One that was drained to its end is gone, and another may have been made since that got its number.
        behind = any(source.span is not None for source in self._emptied)
        spans = {span[:3] for span in backlog.spans(connection)} if behind else set()
        for source in self._emptied:
            if flights.last_claimed(connection, source.priority, source.span):
                continue
            if source.span is not None:
                if (source.span, source.priority, source.after) in spans:
                    settle(connection, source.priority, source.span, source.upto)
                continue
            if source.priority > 1:
                queue.note_sent(connection, source.priority, self._moment)
            if self._frontier - source.after > SKIP_MS:
                queue.advance(connection, source.priority, self._frontier)

    def _live(self, connection: Connection) -> list[Origin]:
        return [
            Origin(priority, self._begin(connection, priority))
            for priority in queue.PRIORITIES
            if self._everything or due.is_due(connection, priority, self._remote, self._moment)
        ]

    def _begin(self, connection: Connection, priority: int) -> int:
        """Where the queue of `priority` goes on: what is under way has left its place already."""
        return max(queue.position(connection, priority), flights.last_claimed(connection, priority, None))

    def _split(self, connection: Connection) -> None:
        """What has waited too long becomes backlog, so that what is sampled now need not wait behind it."""
        found = []
        for priority in queue.PRIORITIES:
            oldest = queue.oldest(connection, priority)
            if oldest is None:
                continue
            boot_id, boottime_ms = oldest
            intervals = (0, self._remote.high_ms, self._remote.upload_interval_ms, self._remote.low_ms)
            limit = max(BACKLOG_AGE_MS, BACKLOG_INTERVALS * intervals[priority])
            if boot_id == self._moment.boot_id and self._moment.boottime_ms - boottime_ms <= limit:
                continue
            after = self._begin(connection, priority)
            upto = self._frontier - RECENT_MS
            if upto > after:
                found.append((priority, after, upto))
        if found:
            with self._store.writing() as writing:
                for priority, after, upto in found:
                    backlog.add(writing, priority, after, upto)
                    queue.advance(writing, priority, upto)
