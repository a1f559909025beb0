"""What is too old is deleted: steps of five minutes, counts of hours, events that were sent; and by the day, what is
left over of boots, shapes and sessions that nothing is of any more.
"""

from __future__ import annotations

from ..sample import Sample
from ..store import events, importer, queue
from . import hours
from .hours import HOUR_MS
from .roll_up import FIVE_MINUTES_MS
from .standing import Standing
from .steps import SHAPES, numbers_in
from .work import Done

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Callable

    from .work import Work

# An id is near to its time, unless the clock was once far ahead: then ids are from then on.
_EVENTS = f"""
SELECT id, id - lead_ms AS at_ms, job, outcome, priority, packed FROM runs
WHERE id > :after AND (id <= :old OR id > :now) AND at_ms <= :old
    AND job IN (SELECT id FROM jobs WHERE job = '{events.JOB}') AND id < (SELECT max(id) FROM runs)
ORDER BY id LIMIT :most
"""  # noqa: S608 - a constant


def prune(work: Work) -> Done:
    """Delete what is older than `five_minutes_ms`."""
    old = work.now_ms - work.settings.five_minutes_ms
    rows = {
        "five_minutes": _before(work, "five_minutes", old // FIVE_MINUTES_MS * SHAPES),
        "events": _events(work, old),
        # After the events, which are counted there first.
        "hours": _before(work, "hours", old // HOUR_MS * SHAPES),
        "rejected": _rejected(work, old),
    }
    # Who brings in old runs remembers by what numbers they name these.
    if work.memory.sweeps and not importer.unfinished(work.connection):
        rows["boots"] = _unused(work, "boots", _BOOTS)
        rows["shapes"] = _unused(work, "shapes", _SHAPES)
        rows["sessions"] = _sessions(work)
    samples = [Sample("storage.rows_pruned", count, {"table": table}) for table, count in rows.items()]
    told = ", ".join([f"{count} {table}" for table, count in rows.items() if count])
    return Done(samples, f"deleted as too old or of no use: {told}" if told else "")


def _before(work: Work, table: str, number: int) -> int:
    """Delete the rows of `table` below the id `number`."""
    select = f"SELECT id FROM {table} WHERE id < ? ORDER BY id LIMIT ?"  # noqa: S608 - a name of ours
    return _delete(work, table, lambda most: work.connection.execute(select, (number, most)).fetchall())


def _rejected(work: Work, old: int) -> int:
    select = "SELECT id FROM rejected WHERE rejected_ms < ? ORDER BY id LIMIT ?"
    return _delete(work, "rejected", lambda most: work.connection.execute(select, (old, most)).fetchall())


def _delete(work: Work, table: str, find: Callable[[int], list[tuple[int]]]) -> int:
    total = 0
    while not work.pace.is_over:
        found = find(work.pace.rows)
        if not found:
            break
        with work.pace.writing(work.store, len(found)) as writing:
            writing.executemany(f"DELETE FROM {table} WHERE id = ?", found)  # noqa: S608 - a name of ours
        total += len(found)
    return total


def _events(work: Work, old: int) -> int:
    """Those that were sent, or are not to be."""
    after, total = work.memory.mark("events"), 0
    while not work.pace.is_over:
        asked = {"after": after, "old": old, "now": work.now_ms, "most": work.pace.rows}
        rows = work.connection.execute(_EVENTS, asked).fetchall()
        if not rows:
            break
        after = rows[-1][0]
        with work.pace.writing(work.store, len(rows)) as writing:
            standing = Standing(writing)
            for run, at_ms, job, outcome, priority, packed in rows:
                is_sent = standing.is_sent(priority, run)
                if not is_sent and (work.settings.sends or standing.is_under_way(priority, run)):
                    continue
                if not is_sent:
                    queue.give_up(writing, priority, numbers_in(packed or ""))
                hours.count(writing, [(at_ms, job, outcome)])
                writing.execute("DELETE FROM runs WHERE id = ?", (run,))
                total += 1
    work.memory.marks["events"] = after
    return total


# What is used, and what may become used by a run that is stored meanwhile: the newest.
_BOOTS = """
SELECT id FROM boots WHERE id < (SELECT max(id) FROM boots)
EXCEPT SELECT boot FROM runs
EXCEPT SELECT last_boot FROM jobs EXCEPT SELECT done_boot FROM jobs EXCEPT SELECT state_boot FROM jobs
EXCEPT SELECT boot FROM link EXCEPT SELECT skew_boot FROM link
EXCEPT SELECT sent_boot FROM positions EXCEPT SELECT of_boot FROM sessions
"""
_SHAPES = f"""
SELECT id FROM shapes
EXCEPT SELECT shape FROM runs
EXCEPT SELECT id % {SHAPES} FROM minutes EXCEPT SELECT id % {SHAPES} FROM five_minutes
"""  # noqa: S608 - a constant


def _unused(work: Work, table: str, query: str) -> int:
    """Rows of `table` that nothing is of. Found without the lock, for all tables must be read; so one is left alone
    that a run which was stored since is of."""
    frontier = queue.frontier(work.connection)
    with work.pace.reading(work.connection):
        found = work.connection.execute(query).fetchall()
    total = 0
    while found and not work.pace.is_over:
        some, found = found[: work.pace.rows], found[work.pace.rows :]
        with work.pace.writing(work.store, len(some)) as writing:
            total += sum(_forget(writing, table, number, frontier) for (number,) in some)
    return total


def _forget(connection: Connection, table: str, number: int, frontier: int) -> int:
    column = "shape" if table == "shapes" else "boot"
    since = f"SELECT 1 FROM runs WHERE id > ? AND {column} = ? LIMIT 1"  # noqa: S608 - a name of ours
    if connection.execute(since, (frontier, number)).fetchone():
        return 0
    connection.execute(f"DELETE FROM {table} WHERE id = ?", (number,))  # noqa: S608 - a name of ours
    if table == "shapes":
        connection.execute("DELETE FROM series WHERE shape = ?", (number,))
    return 1


def _sessions(work: Work) -> int:
    """Those that ended before anything that is kept began."""
    first = work.connection.execute(_FIRST).fetchone()[0]
    with work.pace.writing(work.store) as writing:
        gone = writing.execute(
            "DELETE FROM sessions WHERE status <> 'active' AND max(start_time, end_time) < ? AND start_time < ?",
            (first, work.now_ms - work.settings.five_minutes_ms),
        )
        return gone.rowcount


_FIRST = f"""
SELECT min(at) FROM (
    SELECT (SELECT id - lead_ms FROM runs ORDER BY id LIMIT 1) AS at
    UNION ALL SELECT min(id) / {SHAPES} * 60000 FROM minutes
    UNION ALL SELECT min(id) / {SHAPES} * 300000 FROM five_minutes
)
"""  # noqa: S608 - a constant
