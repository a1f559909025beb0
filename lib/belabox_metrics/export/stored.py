"""What is stored, read a page at a time in the order it was written.

Each page is a read transaction of its own: a reader that lingers, because the pipe it writes to is slow, would keep the
log from being folded in. So that nothing is missed or told twice when runs are rolled up between two pages, the runs
of an hour are read together with what others of the same hour have become.
"""

from __future__ import annotations

from ..json_text import parse
from ..store import aggregate, queue
from ..store.history import ROLLED, SHAPES
from ..store.instant import Still
from ..store.queue import PendingRun
from ..verify.periods import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import Union

    from ..store.aggregate import Aggregate
    from ..store.queue import Series
    from ..upload.correction import Correction

    Cell = Union[Aggregate, str]

HOUR_MS = 3_600_000
# Runs of a page, at most: with some fifteen samples each, a few MB.
ROWS = 2000
FOREVER_MS = queue.END


class StoredRun(PendingRun):
    """A run with all that it holds: `texts` are (position in the shape, text)."""

    __slots__ = ("texts",)

    def __init__(
        self,
        number: int,
        timestamp_ms: int,
        shape: int,
        session: str,
        clock: tuple[int, int, bool],
        values: list[object],
    ) -> None:
        super().__init__(number, timestamp_ms, shape, [], session, *clock, len(values))
        self.texts: list[tuple[int, str]] = []
        for at, value in enumerate(values):
            if isinstance(value, str):
                self.texts.append((at, value))
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                self.numbers.append((at, value))


class Step:
    """What the runs of one shape gave in [timestamp_ms, timestamp_ms + step_ms), as (position in the shape, cell): the
    aggregate of its numbers, or the last of its texts."""

    __slots__ = ("cells", "shape", "step_ms", "timestamp_ms")

    def __init__(self, timestamp_ms: int, step_ms: int, shape: int, cells: list[tuple[int, Cell]]) -> None:
        self.timestamp_ms = timestamp_ms
        self.step_ms = step_ms
        self.shape = shape
        self.cells = cells


class Page:
    """`done`: up to which id everything was read."""

    def __init__(self, steps: list[Step], runs: list[StoredRun], done: int) -> None:
        self.steps = steps
        self.runs = runs
        self.done = done


class Wanted:
    """Samples in [since_ms, until_ms), by the time they are sent with; of the metrics and the series of these `names`,
    of all where there are none."""

    def __init__(self, since_ms: int = 0, until_ms: int = FOREVER_MS, names: tuple[str, ...] = ()) -> None:
        self.since_ms = since_ms
        self.until_ms = until_ms
        self.names = names


class Stored:
    """What is wanted of the database of `connection`, up to the newest run there is now.

    `shapes`: the series of every shape that came by. `first`, `last`: ids of the oldest and the newest run."""

    def __init__(self, connection: Connection, correction: Correction, wanted: Wanted) -> None:
        self.shapes: dict[int, list[Series]] = {}
        self.first = int(connection.execute("SELECT min(id) FROM runs").fetchone()[0] or 0)
        self.last = queue.frontier(connection)
        self._connection = connection
        self._correction = correction
        self._wanted = wanted
        rows = connection.execute("SELECT id, metric FROM jobs").fetchall()
        self._jobs = {int(number) for number, metric in rows if metric in wanted.names}

    def pages(self, begin: int = 0, end: int = FOREVER_MS) -> Iterator[Page]:
        """The runs with ids in [begin, end) and the steps of that time, oldest first, some at a time and perhaps none.

        An id is the time of its run, later where the clock was set back."""
        since_ms = self._wanted.since_ms
        after = max(begin - 1, before(self._connection, since_ms) if since_ms else -1)
        stepped_ms = max(begin, since_ms - since_ms % _LONGEST_MS)
        end = min(end, self.last + 1)
        while True:
            # One moment for all that is read of an hour, or of as many of its steps as a page has room for.
            with Still(self._connection):
                there_ms = self.next_ms(after, stepped_ms, end)
                if there_ms is None:
                    return
                until = min((there_ms // HOUR_MS + 1) * HOUR_MS, end)
                rows = self._connection.execute(_RUNS, (after, until, ROWS)).fetchall()
                if len(rows) == ROWS:
                    until = _cut(rows[0][0], rows[-1][0], until)
                    rows = [row for row in rows if row[0] < until]
                steps = self._steps(stepped_ms, until)
                runs = [run for run in map(self._run, rows) if run is not None]
            stepped_ms = max(stepped_ms, until)
            after = rows[-1][0] if len(rows) == ROWS else max(after, until - 1)
            yield Page(steps, runs, after)

    def next_ms(self, after: int, stepped_ms: int, end: int = FOREVER_MS) -> int | None:
        """Where something is: the first run after this id or the first step that begins then or later, before `end`."""
        found = []
        run = self._connection.execute("SELECT min(id) FROM runs WHERE id > ? AND id < ?", (after, end)).fetchone()[0]
        if run is not None:
            found.append(run)
        for table, length_ms in ROLLED:
            rows = self._connection.execute(_NEXT.format(table=table), (_key(stepped_ms, length_ms),))
            key = rows.fetchone()[0]
            if key is not None and key // SHAPES * length_ms < end:
                found.append(key // SHAPES * length_ms)
        return min(found) if found else None

    def _steps(self, begin_ms: int, end_ms: int) -> list[Step]:
        found = []
        for table, length_ms in ROLLED:
            keys = _key(begin_ms, length_ms), _key(end_ms, length_ms)
            rows = self._connection.execute(_BETWEEN.format(table=table), keys)
            for key, job, last_run, packed in rows.fetchall():
                timestamp_ms, shape = key // SHAPES * length_ms, key % SHAPES
                if self._wanted.since_ms <= timestamp_ms < self._wanted.until_ms:
                    chosen = self._chosen(shape, job)
                    cells = [(at, cell) for at, cell in self._cells(shape, packed, last_run) if at in chosen]
                    if cells:
                        found.append(Step(timestamp_ms, length_ms, shape, cells))
        return sorted(found, key=lambda step: step.timestamp_ms)

    def _cells(self, shape: int, packed: str, last_run: int) -> Iterator[tuple[int, Cell]]:
        for at, ((name, _), value) in enumerate(zip(self._series(shape), _values(packed))):
            cell = value if isinstance(value, str) else aggregate.read(name, value, last_run)
            if cell is not None:
                yield at, cell

    def _run(self, row: tuple[int, int, int, str | None, int, int, int, str, int]) -> StoredRun | None:
        number, timestamp_ms, shape, session, boot, boottime_ms, synchronized, packed, job = row
        clock = boot, boottime_ms, bool(synchronized)
        run = StoredRun(number, timestamp_ms, shape, session or "", clock, _values(packed))
        # As for the uploader: its values are not of these series.
        chosen = self._chosen(shape, job) if len(self._series(shape)) == run.values else set()
        run.numbers = [pair for pair in run.numbers if pair[0] in chosen]
        run.texts = [pair for pair in run.texts if pair[0] in chosen]
        self._correction.apply([run])
        in_time = self._wanted.since_ms <= run.timestamp_ms < self._wanted.until_ms
        return run if in_time and (run.numbers or run.texts) else None

    def _chosen(self, shape: int, job: int) -> set[int]:
        """The positions in a shape that are wanted of a run of this job."""
        series = self._series(shape)
        names = self._wanted.names
        if not names or job in self._jobs:
            return set(range(len(series)))
        return {at for at, (name, _) in enumerate(series) if name in names}

    def _series(self, shape: int) -> list[Series]:
        if shape not in self.shapes:
            self.shapes[shape] = queue.series_of(self._connection, shape)
        return self.shapes[shape]


def _values(packed: str) -> list[object]:
    """What a row holds; nothing for one that is damaged, which must not keep the others back."""
    try:
        found = parse(packed)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _cut(first: int, last: int, until: int) -> int:
    """Where a page ends whose runs, from the id `first` to `last`, are as many as it may have: where a step does, since
    runs become steps. One step with more runs than that is in several pages."""
    whole = last // _LONGEST_MS * _LONGEST_MS
    return whole if whole > first else min(whole + _LONGEST_MS, until)


def _key(at_ms: int, length_ms: int) -> int:
    """The id of the first step that begins at `at_ms` or later; no more than SQLite has."""
    return min(-(-at_ms // length_ms) * SHAPES, FOREVER_MS)


_NEXT = "SELECT min(id) FROM {table} WHERE id >= ?"
_BETWEEN = "SELECT id, job, last_run, packed FROM {table} WHERE id >= ? AND id < ?"
_LONGEST_MS = max(length_ms for _, length_ms in ROLLED)
_RUNS = (
    "SELECT runs.id, runs.id - lead_ms, shape, sessions.id, boot, boottime_ms, synchronized, packed, job"
    " FROM runs LEFT JOIN sessions ON sessions.number = runs.session"
    " WHERE runs.id > ? AND runs.id < ? AND packed IS NOT NULL ORDER BY runs.id LIMIT ?"
)
