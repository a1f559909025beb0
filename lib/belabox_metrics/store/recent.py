"""What some metrics have given of late, for a metric that is made of them."""

from __future__ import annotations

from .packed import VALUES, if_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment

# Runs looked at, the newest. The shipped schedule has some ninety a minute; ids are no measure where the clock was set.
MOST = 400

_VALUES = """
SELECT run.boottime_ms, series.name, series.tags, value.value
FROM (SELECT * FROM runs ORDER BY id DESC LIMIT {most}) AS run
JOIN json_each({values}) AS value
JOIN series ON series.shape = run.shape AND series.position = value.key
WHERE run.job IN (SELECT id FROM jobs WHERE job = 'collect' AND metric IN ({metrics}))
    AND run.boot = (SELECT id FROM boots WHERE boot_id = ?) AND run.boottime_ms > ?
    AND run.packed IS NOT NULL AND value.type IN ('integer', 'real')
ORDER BY run.id
"""


class Reading:
    """One number: of the series `name` with the canonical `tags`, collected `at_ms` after boot."""

    __slots__ = ("at_ms", "name", "tags", "value")

    def __init__(self, at_ms: int, name: str, tags: str, value: float) -> None:
        self.at_ms = at_ms
        self.name = name
        self.tags = tags
        self.value = value


def readings(connection: Connection, metrics: tuple[str, ...], moment: Moment, within_ms: int) -> list[Reading]:
    """All numbers that the collections of `metrics` gave in the last `within_ms` before `moment`, in this boot, oldest
    first."""
    query = _VALUES.format(values=VALUES, most=MOST, metrics=", ".join("?" * len(metrics)))
    rows = connection.execute(query, (*metrics, moment.boot_id, moment.boottime_ms - within_ms))
    return [Reading(*row) for row in rows]


def latency_ms(connection: Connection) -> int | None:
    """What the sender of the stream that is live was told to agree on, None where that is not known."""
    row = connection.execute(
        f"SELECT json_extract({if_json('metadata')}, '$.latency_ms') FROM sessions"  # noqa: S608 - a constant
        " WHERE status = 'active' ORDER BY number DESC"
    ).fetchone()
    return row[0] if row and isinstance(row[0], int) else None
