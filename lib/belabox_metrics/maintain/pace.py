"""How fast maintenance may go, so that nobody waits for it.

All jobs have a fifth of a core together (belabox-metrics.slice), and one lock. So a transaction has as many rows as
took some ms the time before, and after each the job sleeps for nine times as long as it has worked: collectors find the
lock free, and the fifth not used up.
"""

from __future__ import annotations

import time

from ..store.checkpoint import log_size, write_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from types import TracebackType
    from typing import Callable

    from ..store.database import Store

# Of the lock, at a time. A collector is to wait for 100 ms at most; and what is reckoned for a transaction takes some
# times as long as the transaction, which is to fit into a fifth of a tenth of a second too.
HELD_S = 0.01
SHARE = 0.1
# Of one activation; the unit's TimeoutStartSec= is longer. What is left is for the next.
BUDGET_S = 240.0
ROWS = 200
FEWEST, MOST = 20, 2000
# Beyond this the log is folded in between two transactions. Less than what the uploader leaves: here pages of all parts
# of the file change, each of which is a write of its own.
LOG_BYTES = 256 * 1024
# Of SQLite's machine, between two rests: some ms of an A55.
INSTRUCTIONS = 20_000


class Pace:
    """`rows`: how many make the next transaction. `longest_s`: the longest that one held the lock; `folding_s`: the
    longest that it took to fold in the log. `share`: of a core; 1 for somebody who waits for it."""

    def __init__(
        self, share: float = SHARE, budget_s: float = BUDGET_S, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.rows = ROWS
        self.longest_s = 0.0
        self.folding_s = 0.0
        self._share = share
        self._until = time.monotonic() + budget_s
        self._sleep = sleep
        self._rested = time.process_time()

    @property
    def is_over(self) -> bool:
        """Whether what is left has to be left to the next activation."""
        return time.monotonic() > self._until

    def writing(self, store: Store, rows: int = 0) -> Turn:
        """`with pace.writing(store, rows) as connection:` a transaction that changes about so many rows."""
        return Turn(self, store, rows)

    def held(self, seconds: float, rows: int) -> None:
        """A transaction of so many rows, 0 for one of another kind, held the lock for so long."""
        self.longest_s = max(self.longest_s, seconds)
        if rows:
            fitting = int(rows * HELD_S / max(seconds, 1e-4))
            # Not more than twice as many, of which it is not known yet how long they take.
            self.rows = min(max(fitting, FEWEST), 2 * self.rows, MOST)

    def folded(self, seconds: float) -> None:
        """The log was folded in, and the lock held for that."""
        self.folding_s = max(self.folding_s, seconds)

    def reading(self, connection: Connection) -> Reading:
        """`with pace.reading(connection):` what is read takes its rests on the way. Not in a transaction."""
        return Reading(self, connection)

    def rest(self) -> None:
        """Sleep in proportion to what was worked since the last rest."""
        worked = time.process_time() - self._rested
        if self._share < 1:
            self._sleep(min(worked * (1 / self._share - 1), 1.0))
        self._rested = time.process_time()


class Reading:
    """One statement may look at a whole table."""

    def __init__(self, pace: Pace, connection: Connection) -> None:
        self._pace = pace
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.set_progress_handler(self._pace.rest, INSTRUCTIONS)

    def __exit__(self, *_: object) -> None:
        self._connection.set_progress_handler(None, 0)


class Turn:
    """One transaction of Store.writing(), timed; a rest follows. The log is folded in before when it is long."""

    def __init__(self, pace: Pace, store: Store, rows: int) -> None:
        self._pace = pace
        self._rows = rows
        folds = log_size(store.path) >= LOG_BYTES
        if folds:
            write_out(store.path)
        self._writing = store.writing(checkpoint_first=folds)

    def __enter__(self) -> Connection:
        began = time.perf_counter()
        connection = self._writing.__enter__()
        self._began = time.perf_counter()
        if self._writing.checkpointed:
            # Waiting for the lock is in it: rather too long than too short.
            self._pace.folded(self._began - began)
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writing.__exit__(kind, error, trace)
        self._pace.held(time.perf_counter() - self._began, self._rows)
        self._pace.rest()
