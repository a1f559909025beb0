"""Runs that are old become minutes, minutes that are older become five: what is lost is when within a minute.

A batch of rows and what they become change in one transaction, so a process may be killed anywhere: a run is in one
place or in the other. Sums do not depend on the portions in which they are added up (aggregate.py), so the result does
not either.
"""

from __future__ import annotations

from ..sample import Sample
from ..store import backlog, events, flights, importer, quarantine, queue
from . import hours, steps
from .standing import Standing
from .steps import SHAPES, Names
from .work import Done

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .steps import Step
    from .work import Work

    # id, right time, job, priority, outcome, shape, packed
    Row = tuple[int, int, int, int, int, int, str]

MINUTE_MS = 60_000
FIVE_MINUTES_MS = 5 * MINUTE_MS
# A clock that was wrong by less was right (upload/correction.py).
TOLERANCE_MS = 1000

# The time with which a run was sent, where that is known: a run is as old as that says. An id is near to it unless the
# clock was wrong; where it was once far ahead, ids are from then on.
_RUNS = f"""
SELECT id, right_ms, job, priority, outcome, shape, packed FROM (
    SELECT run.id, run.job, run.priority, run.outcome, run.shape, run.packed,
        CASE WHEN run.synchronized OR boots.offset_ms IS NULL
                OR abs(boots.offset_ms + run.boottime_ms - run.id + run.lead_ms) <= {TOLERANCE_MS}
            THEN run.id - run.lead_ms ELSE boots.offset_ms + run.boottime_ms END AS right_ms
    FROM runs AS run LEFT JOIN boots ON boots.id = run.boot
    WHERE run.id > :after AND run.id <= :upto AND (run.id < :old OR run.id > :now)
        AND run.job NOT IN (SELECT id FROM jobs WHERE job = '{events.JOB}')
        AND (run.packed IS NULL OR NOT :empty) AND run.id < (SELECT max(id) FROM runs)
) WHERE right_ms < :old ORDER BY id LIMIT :most
"""  # noqa: S608 - constants
_MINUTES = "SELECT id, job, priority, last_run, packed FROM minutes WHERE id < ? ORDER BY id LIMIT ?"


def roll_up(work: Work) -> Done:
    """Of runs older than `full_ms`: minutes; of minutes older than `minutes_ms`: five. Rows of runs without values
    become counts, whether or not others wait to be sent."""
    old = (work.now_ms - work.settings.full_ms) // MINUTE_MS * MINUTE_MS
    if not work.settings.sends:
        _give_up_flights(work, old)
    names = Names(work.connection)
    with_values = _runs(work, names, old, empty=False)
    rows = with_values + _runs(work, names, old, empty=True)
    # Of a damaged database the same minutes may come once more.
    minutes = 0 if quarantine.is_name(importer.unfinished(work.connection)) else _fives(work, names)
    samples = [Sample("storage.runs_rolled_up", rows), Sample("storage.minutes_rolled_up", minutes)]
    message = f"rolled up: {rows} runs to minutes, {minutes} minutes to five" if rows or minutes else ""
    return Done(samples, message)


def _runs(work: Work, names: Names, old: int, empty: bool) -> int:
    """How many rows went. In the order of runs, and none behind one that waits: so that what a counter rose is right.
    `empty`: only those without values, which wait for nobody."""
    connection, memory, name = work.connection, work.memory, "empty" if empty else "runs"
    frontier = queue.frontier(connection)
    # Ids may be ahead of the clock.
    last = frontier if frontier > work.now_ms else min(frontier, old)
    after = memory.mark(name)
    total = 0
    while not work.pace.is_over:
        upto = last
        if work.settings.sends and not empty:
            upto = Standing(connection).settled(after, last)
        asked = {"after": after, "upto": upto, "old": old, "now": work.now_ms, "empty": empty, "most": work.pace.rows}
        rows: list[Row] = connection.execute(_RUNS, asked).fetchall()
        if not rows:
            memory.marks[name] = max(memory.mark(name), min(upto, old - 1))
            break
        became = steps.gathered(
            (at // MINUTE_MS * SHAPES + shape, steps.of_run(names.of(shape), run, job, priority, packed))
            for run, at, job, priority, _, shape, packed in rows
            if packed is not None and shape is not None
        )
        work.pace.rest()
        with work.pace.writing(work.store, len(rows)) as writing:
            standing = Standing(writing)
            if work.settings.sends and not empty and standing.settled(after, rows[-1][0]) < rows[-1][0]:
                continue  # somebody has queued one of these again
            steps.put(writing, "minutes", became, names)
            hours.count(writing, [(at, job, outcome) for _, at, job, _, outcome, _, _ in rows])
            if not work.settings.sends:
                _count_unsent(writing, standing, rows)
            writing.executemany("DELETE FROM runs WHERE id = ?", [(row[0],) for row in rows])
        after = rows[-1][0]
        total += len(rows)
    return total


def _count_unsent(connection: Connection, standing: Standing, rows: list[Row]) -> None:
    """These numbers leave the queue without having been sent. Inside a transaction."""
    for run, _, _, priority, _, _, packed in rows:
        if packed is not None and not standing.is_sent(priority, run):
            queue.give_up(connection, priority, steps.numbers_in(packed))


def _give_up_flights(work: Work, old: int) -> None:
    """Chunks that were on their way when somebody switched sending off: what they are of is not to be kept for them."""
    found = [flight for flight in flights.under_way(work.connection) if flight.last_run < old]
    if not found:
        return
    with work.pace.writing(work.store) as writing:
        for flight in found:
            queue.give_up(writing, flight.priority, flight.samples)
            if flights.end(writing, flight):
                if flight.backlog is None:
                    queue.advance(writing, flight.priority, flight.last_run)
                else:
                    backlog.advance(writing, flight.backlog, flight.last_run)


def _fives(work: Work, names: Names) -> int:
    """How many rows of minutes went."""
    before = (work.now_ms - work.settings.minutes_ms) // FIVE_MINUTES_MS * FIVE_MINUTES_MS
    total = 0
    while not work.pace.is_over:
        query = (before // MINUTE_MS * SHAPES, work.pace.rows)
        rows = work.connection.execute(_MINUTES, query).fetchall()
        if not rows:
            break
        became: dict[int, Step] = steps.gathered(
            (number // SHAPES * MINUTE_MS // FIVE_MINUTES_MS * SHAPES + shape, steps.of_row(names.of(shape), *row))
            for number, *row in rows
            for shape in (number % SHAPES,)
        )
        work.pace.rest()
        with work.pace.writing(work.store, len(rows)) as writing:
            steps.put(writing, "five_minutes", became, names)
            writing.executemany("DELETE FROM minutes WHERE id = ?", [(row[0],) for row in rows])
        total += len(rows)
    return total
