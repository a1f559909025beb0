"""Runs of another file come into this database, behind its own: bounded, in the background, each of them once.

A database that begins anew beside an older one starts at once, with an id above all that the older one can need. The
old runs follow into the room that is left below, oldest first, some at a time. Where the import stands is the state of
its job, changed in the transaction that brings the runs: so it may be killed anywhere.

What was sent and what was not is told in the one way there is: positions stand above all of them, and those that were
not sent are spans of the backlog.
"""

from __future__ import annotations

import json
import time

from ..errors import Damaged, TryLater
from . import backlog, importing, queue, runs
from .checkpoint import LOG_LIMIT, log_size
from .database import DatabaseError, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import Callable, Optional, Protocol

    from ..clock import Moment
    from .database import Store

    OldSession = tuple[str, int, Optional[int], Optional[str], Optional[str]]

    class Source(Protocol):
        """Another file. `name`: its own, without the folder."""

        name: str

        def batches(self, cursor: str) -> Iterator[Batch]:
            """What is behind `cursor`, "" for all, in the order in which the runs are to stand; a batch holds the
            lock for as long as it takes to insert it: some hundred runs."""


JOB = "import"
# Sent and not sent in turns: so often within a batch is bearable, since each turn is a span for the uploader.
TURNS = 8


class OldRun:
    """A run of another file, and whether it was sent. `number`: its id there, None where it had none. `shape`, `packed`
    and `size` (numbers in it) as runs.pack() gives them, `session` a UUID or ""."""

    __slots__ = (
        "boot_id",
        "boottime_ms",
        "duration_us",
        "error",
        "job",
        "metric",
        "number",
        "outcome",
        "packed",
        "priority",
        "sent",
        "session",
        "shape",
        "size",
        "synchronized",
        "timestamp_ms",
    )

    def __init__(
        self,
        timestamp_ms: int,
        shape: list[tuple[str, str]],
        packed: str | None,
        size: int,
        *,
        sent: bool,
        priority: int = runs.NORMAL,
        session: str = "",
        number: int | None = None,
        job: str = JOB,
        metric: str = "",
        boot_id: str = "",
        boottime_ms: int = 0,
        synchronized: bool = True,
        duration_us: int = 0,
        outcome: int = runs.DONE,
        error: str | None = None,
    ) -> None:
        self.timestamp_ms = timestamp_ms
        self.shape = shape
        self.packed = packed
        self.size = size
        self.sent = sent
        self.priority = priority
        self.session = session
        self.number = number
        self.job = job
        self.metric = metric
        self.boot_id = boot_id
        self.boottime_ms = boottime_ms
        self.synchronized = synchronized
        self.duration_us = duration_us
        self.outcome = outcome
        self.error = error


class Batch:
    """`found`: runs, oldest first. `cursor`: where the source goes on behind them. `rows` of it they were made of;
    `left` are rows that stay where they are. `sessions` that are new with this batch: (UUID, start, end, status,
    metadata) as in the table, times in Unix ms."""

    __slots__ = ("cursor", "found", "left", "rows", "sessions")

    def __init__(
        self, found: list[OldRun], cursor: str, rows: int, left: int = 0, sessions: list[OldSession] | None = None
    ) -> None:
        self.found = found
        self.cursor = cursor
        self.rows = rows
        self.left = left
        self.sessions = sessions or []


class Import:
    """How far it is: `rows` of the source of `total` are done, they made `runs` with `numbers`; `left` rows stayed
    behind. Ids end below `upto`; `last` was given last. `waits`: of each priority the last id, if that was not sent,
    else 0."""

    __slots__ = ("cursor", "done", "last", "left", "name", "numbers", "rows", "runs", "total", "upto", "waits")

    def __init__(self, name: str, upto: int, total: int) -> None:
        self.name = name
        self.upto = upto
        self.total = total
        self.cursor = ""
        self.last = 0
        self.rows = self.runs = self.numbers = self.left = 0
        self.waits = [0] * len(queue.PRIORITIES)
        self.done = False


# What is written down of it.
_KEPT = tuple(key for key in Import.__slots__ if key != "name")


def begin(connection: Connection, name: str, moment: Moment, upto: int, total: int) -> bool:
    """The source `name`, of `total` rows, may give its runs ids below `upto` from now on. Inside the transaction that
    makes this database: nothing is in it yet. False where another source has come first: there is room for one."""
    if standing(connection) is not None:
        return False
    state = Import(name, max(upto, moment.wall_ms), total)
    run = runs.Run(JOB, moment, metric=name)
    runs.add(connection, run)
    connection.execute(_MOVE, (state.upto, state.upto))
    connection.execute("UPDATE jobs SET last_run = ? WHERE job = ?", (state.upto, JOB))
    for priority in queue.PRIORITIES:
        queue.advance(connection, priority, state.upto)
    _write(connection, state)
    return True


# Its own run is the one that keeps the room below free: all that is collected gets an id above it.
_MOVE = "UPDATE runs SET lead_ms = lead_ms + ? - id, id = ?"


def standing(connection: Connection) -> Import | None:
    """Where the import of this database stands, None where there is none.

    Raises Damaged where that can't be read and something waits. Else all is in, and what was known of that is no
    reason to begin another database."""
    row = connection.execute("SELECT metric, state FROM jobs WHERE job = ? AND state IS NOT NULL", (JOB,)).fetchone()
    if row is None:
        return None
    state = Import(row[0], 0, 0)
    document = importing.document(row[1], _KEPT, len(queue.PRIORITIES))
    if document is None and importing.is_awaited(connection, state.name):
        raise Damaged("the database is damaged: where its import stands can't be read")
    for key, value in (document or {"done": True}).items():
        setattr(state, key, value)
    return state


def unfinished(connection: Connection) -> str:
    """Whose runs may still come, older than the oldest here; "" for nobody's. Cheap: for who rolls up or prunes."""
    state = standing(connection)
    return "" if state is None or state.done else state.name


def go_on(store: Store, source: Source, until: float, tell: Callable[[Import], None] = lambda _: None) -> Import:
    """Bring in what `source` still holds, until the time.monotonic() of `until`; one batch at least.

    Between two batches the lock is free for as long as it was held: a collector that waits gets it. Raises TryLater
    where another process imports too; what is in, stays so."""
    state = standing(store.connection())
    if state is None:
        raise TryLater("there is no import to go on with", where=source.name)
    if state.done:
        return state
    taker = _Taker(store)
    for batch in source.batches(state.cursor):
        state, held_s = taker.take(state, batch)
        tell(state)
        if time.monotonic() >= until:
            return state
        time.sleep(held_s)
    return finish(store, state)


def finish(store: Store, state: Import) -> Import:
    """All is in: it is synced, and then called done. Where a reader is in the way of that, the next time does it."""
    writing = store.writing(checkpoint_first=True)
    with writing as connection:
        state.done = writing.checkpointed
        _write(connection, state)
    return state


class _Taker:
    """Numbers of what runs name by number are looked up once; one for each go, since a rollback makes them void."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[tuple[str, str], int] = {}
        self._boots: dict[str, int] = {}
        self._shapes: dict[str, int] = {}
        self._sessions: dict[str, int] = {}

    def take(self, expected: Import, batch: Batch) -> tuple[Import, float]:
        """One transaction; where the import stands now, and how many seconds it took: rather too long than too short,
        waiting for the lock is in it."""
        full = log_size(self._store.path) >= LOG_LIMIT
        began = time.monotonic()
        with self._store.writing(checkpoint_first=full) as connection:
            state = standing(connection)
            if state is None or state.cursor != expected.cursor:
                raise TryLater("another process is at the same import", where=expected.name)
            try:
                connection.executemany(_SESSION, batch.sessions)
                self._insert(connection, state, _in_few_turns(batch.found))
            except DatabaseError as error:
                raise problem(error, self._store.path) from error
            state.cursor = batch.cursor
            state.rows += batch.rows
            state.left += batch.left
            _write(connection, state)
        return state, time.monotonic() - began

    def _insert(self, connection: Connection, state: Import, found: list[OldRun]) -> None:
        rows = []
        sent = [0] * len(queue.PRIORITIES)
        stored: dict[int, list[int]] = {}
        spans: list[list[int]] = []
        heard_of: dict[str, int] = {}
        for run in found:
            # As in runs.add(): never less than the time, and above the one before.
            number = max(run.timestamp_ms if run.number is None else run.number, state.last + 1)
            if number >= state.upto:
                state.left += 1
                continue
            state.last = number
            job = self._job(connection, run)
            rows.append((number, job, number - run.timestamp_ms, *self._columns(connection, run)))
            if run.session:
                heard_of[run.session] = max(run.timestamp_ms, heard_of.get(run.session, 0))
            counts = stored.setdefault(job, [0, 0])
            counts[0] += 1
            counts[1] += run.size
            state.runs += 1
            state.numbers += run.size
            if not run.size:
                continue
            if run.sent:
                sent[run.priority] += run.size
                state.waits[run.priority] = 0
                continue
            spans.append([run.priority, state.waits[run.priority] or number - 1, number])
            state.waits[run.priority] = number
        connection.executemany(_INSERT, rows)
        connection.executemany(_HEARD_OF, [(at_ms, uuid) for uuid, at_ms in heard_of.items()])
        for job, (number_of_runs, numbers) in stored.items():
            connection.execute(_COUNT, (number_of_runs, numbers, job))
        for priority in queue.PRIORITIES:
            queue.count(connection, priority, sent=sent[priority])
            for after, upto in _joined([span[1:] for span in spans if span[0] == priority]):
                backlog.add(connection, priority, after, upto)

    def _columns(self, connection: Connection, run: OldRun) -> tuple[object, ...]:
        boot = self._boots.get(run.boot_id)
        if boot is None:
            boot = self._boots[run.boot_id] = runs.boot_number(connection, run.boot_id)
        return (
            boot,
            run.boottime_ms,
            int(run.synchronized),
            run.duration_us,
            run.outcome,
            run.priority,
            self._session(connection, run) if run.session else None,
            self._shape(connection, run.shape) if run.shape else None,
            run.packed,
            run.error,
        )

    def _job(self, connection: Connection, run: OldRun) -> int:
        key = run.job, run.metric
        if key not in self._jobs:
            self._jobs[key] = runs.job_number(connection, *key)
        return self._jobs[key]

    def _shape(self, connection: Connection, shape: list[tuple[str, str]]) -> int:
        signature = runs.signature(shape)
        if signature not in self._shapes:
            if len(self._shapes) >= _REMEMBERED:
                self._shapes.clear()
            self._shapes[signature] = runs.shape_number(connection, shape)
        return self._shapes[signature]

    def _session(self, connection: Connection, run: OldRun) -> int:
        if run.session not in self._sessions:
            if len(self._sessions) >= _REMEMBERED:
                self._sessions.clear()
            self._sessions[run.session] = _session(connection, run)
        return self._sessions[run.session]


_REMEMBERED = 10_000

_INSERT = """
INSERT INTO runs (id, job, lead_ms, boot, boottime_ms, synchronized, duration_us, outcome, priority, session, shape,
    packed, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SESSION = "INSERT OR IGNORE INTO sessions (id, start_time, end_time, status, metadata) VALUES (?, ?, ?, ?, ?)"
# One without a word of its own lasted as long as something belonged to it.
_HEARD_OF = """
UPDATE sessions SET end_time = max(end_time, ?) WHERE id = ? AND status = 'failed' AND metadata IS NULL
"""
_COUNT = "UPDATE jobs SET runs_total = runs_total + ?, samples_total = samples_total + ? WHERE id = ?"


def _session(connection: Connection, run: OldRun) -> int:
    """`sessions.number`. A session that nobody wrote down gets a row: it failed, as how it ended is not known."""
    found = connection.execute("SELECT number FROM sessions WHERE id = ?", (run.session,)).fetchone()
    if found:
        return int(found[0])
    at_ms = run.timestamp_ms
    made = connection.execute(
        "INSERT INTO sessions (id, start_time, end_time, status) VALUES (?, ?, ?, 'failed')",
        (run.session, at_ms, at_ms),
    )
    return int(made.lastrowid or 0)


def _in_few_turns(found: list[OldRun]) -> list[OldRun]:
    """Each turn from sent to not sent is a span that the uploader must know. Mostly there is one, where the last upload
    ended. Where they are many, those that were sent go first: their ids are then a little later than their time."""
    turns = 0
    before: dict[int, bool] = {}
    for run in found:
        turns += before.get(run.priority, run.sent) != run.sent
        before[run.priority] = run.sent
    return sorted(found, key=lambda run: not run.sent) if turns > TURNS else found


def _joined(spans: list[list[int]]) -> list[list[int]]:
    """(after, upto] of which one ends where the next begins are one."""
    found: list[list[int]] = []
    for after, upto in spans:
        if found and found[-1][1] == after:
            found[-1][1] = upto
        else:
            found.append([after, upto])
    return found


def _write(connection: Connection, state: Import) -> None:
    kept = {key: getattr(state, key) for key in _KEPT}
    connection.execute("UPDATE jobs SET state = ? WHERE job = ? AND metric = ?", (json.dumps(kept), JOB, state.name))
