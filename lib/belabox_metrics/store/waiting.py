"""How much waits to be sent, by priority: for a person who looks, not for who sends."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# Runs that are looked at. An outage of a week leaves more, and nobody needs to know them to the last one.
MOST = 50_000


class Waiting:
    """`runs` by priority, all priorities there; `more`: there are others, which were not counted.
    `oldest_ms`: when the first of them was, by the clock of then; None when nothing waits."""

    def __init__(self, runs: dict[int, int], oldest_ms: int | None, more: bool) -> None:
        self.runs = runs
        self.oldest_ms = oldest_ms
        self.more = more


def read(connection: Connection, most: int = MOST) -> Waiting:
    """The runs behind the positions and those of the backlog that have values."""
    counted = {int(priority): 0 for (priority,) in connection.execute("SELECT priority FROM positions")}
    oldest: int | None = None
    looked = 0
    for span in connection.execute(_SPANS).fetchall():
        found = connection.execute(_COUNT, {**dict(zip(("priority", "after", "upto"), span)), "most": most - looked})
        for priority, seen, values, first in found:
            counted[priority] = counted.get(priority, 0) + int(values or 0)
            looked += int(seen)
            if first is not None:
                oldest = int(first) if oldest is None else min(oldest, int(first))
        if looked >= most:
            break
    return Waiting(counted, oldest, looked >= most)


# What lies behind the positions is counted in one go: a priority of which little comes has its position far behind.
_SPANS = """
SELECT priority, after_run, upto_run FROM backlog
UNION ALL SELECT NULL, (SELECT min(run) FROM positions), 9223372036854775807
"""
_COUNT = """
SELECT priority, count(*), sum(waits), min(CASE WHEN waits THEN timestamp_ms END) FROM (
    SELECT run.priority, run.id - run.lead_ms AS timestamp_ms, run.packed IS NOT NULL
        AND (run.priority = :priority OR :priority IS NULL AND run.id > position.run) AS waits
    FROM runs AS run JOIN positions AS position ON position.priority = run.priority
    WHERE run.id > :after AND run.id <= :upto ORDER BY run.id LIMIT :most
) GROUP BY priority
"""
