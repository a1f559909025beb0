"""What was rolled up in a damaged database comes into the new one: rows for a step of time, by shape and job.

Their ids are made of the step and the number of the shape, which is another one here. What is here already stays: so
it may be done again from the beginning. A minute that had become a part of five would come twice; so these are made
when the import is done, which comes after this.
"""

from __future__ import annotations

import time

from ..json_text import parse
from . import runs
from .salvage import JOB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .database import Store
    from .wreck import Row, View

ROWS = 200
SHAPES = 2**32
_TABLES = ("minutes", "five_minutes")


def adopt(store: Store, view: View, better: list[View]) -> int:
    """All rows of `view` that are not here, in bounded transactions; how many those were. `better`: what was adopted
    before, of the same file; what they can read and have not is gone. Raises as Store.writing."""
    found = 0
    for table in _TABLES:
        rows: list[Row] = []
        for row in view.rolled_up(table, "id, job, priority, last_run, packed"):
            if not all(other.is_gap(row[0], table) for other in better):
                continue
            rows.append(row)
            if len(rows) == ROWS:
                found += _take(store, view, table, rows)
                rows = []
        found += _take(store, view, table, rows)
    return found


def _take(store: Store, view: View, table: str, rows: list[Row]) -> int:
    if not rows:
        return 0
    began = time.monotonic()
    taken = 0
    with store.writing() as connection:
        for row in rows:
            made = _made(connection, view, row)
            if made is not None:
                query = f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - of _TABLES
                taken += connection.execute(query, made).rowcount
    # A collector that waits gets the lock.
    time.sleep(time.monotonic() - began)
    return taken


def _made(connection: Connection, view: View, row: Row) -> Row | None:
    number, job, priority, last_run, packed = row
    series = view.shape(number % SHAPES)
    # Of a job whose name can't be read, as with runs.
    name = view.jobs.get(job) or (JOB, "")
    if series is None or not isinstance(packed, str) or not isinstance(last_run, int):
        return None
    try:
        values = parse(packed)
    except ValueError:
        return None
    if not isinstance(values, list) or len(values) != len(series) or priority not in (0, 1, 2, 3):
        return None
    shape = runs.shape_number(connection, series)
    return (number // SHAPES * SHAPES + shape, runs.job_number(connection, *name), priority, last_run, packed)
