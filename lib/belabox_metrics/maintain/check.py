"""Is the database whole? One part of it each time, by SQLite's own check, from a connection that only reads; and with
the small tables, whether they say what they can't.

The lock is not held, so nobody waits for it; what the check takes is bounded, and paced like all else here.
"""

from __future__ import annotations

import time

from ..errors import Damaged
from ..sample import Sample
from ..store.damage import nonsense
from ..store.database import DatabaseError, problem
from .pace import INSTRUCTIONS
from .work import Done

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .work import Work

# What grows has a turn of its own, all else is small. As many turns make a round.
TURNS = ("runs", "minutes", "five_minutes", "")
LARGE = ("runs", "minutes", "five_minutes")
# Longer than it takes to read a database of the default size, paced.
BUDGET_S = 90.0


def check(work: Work) -> Done:
    """Check what has its turn. Raises Damaged when it is not whole."""
    turn = TURNS[work.memory.checked % len(TURNS)]
    started = time.perf_counter()
    connection = work.store.reading()
    try:
        tables = [turn] if turn else _small(connection)
        finished = all(_is_whole(work, connection, table, started) for table in tables)
        if not turn and (wrong := nonsense(connection)):
            raise Damaged(wrong, where=work.store.path)
    finally:
        connection.close()
    # What takes too long today does tomorrow, and must not keep the others from their turn.
    work.memory.checked = (work.memory.checked + 1) % len(TURNS)
    tag = {"table": turn or "small"}
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    samples = [Sample("storage.check_duration_ms", took_ms, tag), Sample("storage.checked", int(finished), tag)]
    return Done(samples, f"checked: {turn or 'small tables'}, {'whole' if finished else 'not to its end'}")


def _small(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [name for (name,) in rows if name not in LARGE]


def _is_whole(work: Work, connection: Connection, table: str, started: float) -> bool:
    """False when the time was up before the end. Raises Damaged."""

    def step() -> bool:
        work.pace.rest()
        return time.perf_counter() - started > BUDGET_S or work.pace.is_over

    # A person may have made tables of whatever name.
    name = table.replace('"', '""')
    connection.set_progress_handler(step, INSTRUCTIONS)
    try:
        # Not quick_check, which does not hold a table against its indexes. The large ones have none.
        said = connection.execute(f'PRAGMA integrity_check("{name}")').fetchone()[0]
    except DatabaseError as error:
        if "interrupted" in str(error):
            return False
        raise problem(error, work.store.path) from error
    finally:
        connection.set_progress_handler(None, 0)
    if said != "ok":
        what = str(said).replace("\n", " ")
        raise Damaged(f"the database is damaged: {what}", where=work.store.path)
    return True
