"""How many runs of a job there were in an hour and how they went, of those whose rows are gone: table `hours`."""

from __future__ import annotations

from .steps import SHAPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Connection

HOUR_MS = 3_600_000
_ADD = """
INSERT INTO hours VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    done = done + excluded.done, no_data = no_data + excluded.no_data, failed = failed + excluded.failed
"""


def count(connection: Connection, gone: Iterable[tuple[int, int, int]]) -> None:
    """Add runs, (when, Unix ms; jobs.id; outcome) of each. Inside the transaction that deletes them."""
    found: dict[int, list[int]] = {}
    for at_ms, job, outcome in gone:
        counts = found.setdefault(at_ms // HOUR_MS * SHAPES + job, [0, 0, 0])
        counts[min(max(outcome, 0), 2)] += 1
    connection.executemany(_ADD, [(number, *counts) for number, counts in found.items()])
