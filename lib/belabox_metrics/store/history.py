"""Numbers of the past, whatever form they are kept in: what a plot, a report and an export are made of."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    Series = tuple[str, str]  # name, canonical tags

# A run's id is never less than its timestamp, so the id bounds the search from below, and from below only.
_NUMBERS = """
SELECT run.id - run.lead_ms AS timestamp_ms, series.name, series.tags,
    json_extract(run.packed, '$[' || series.position || ']') AS value
FROM runs AS run JOIN series ON series.shape = run.shape
WHERE run.id >= ?1 AND timestamp_ms >= ?1 AND timestamp_ms < ?2 AND run.packed IS NOT NULL
    AND run.shape IN (SELECT shape FROM series WHERE name IN ({names})) AND series.name IN ({names})
    AND typeof(value) IN ('integer', 'real')
ORDER BY run.id
"""


class Point:
    """What a series was from `timestamp_ms` (Unix time) on: `count` numbers, of which `last` was the last. One that was
    stored as it is has `count` 1."""

    __slots__ = ("count", "greatest", "last", "least", "timestamp_ms", "total")

    def __init__(
        self, timestamp_ms: int, least: float, greatest: float, total: float, last: float, count: int = 1
    ) -> None:
        self.timestamp_ms = timestamp_ms
        self.least = least
        self.greatest = greatest
        self.total = total
        self.last = last
        self.count = count

    @property
    def mean(self) -> float:
        return self.total / self.count

    def take(self, later: Point) -> None:
        """`later` happened in the same step."""
        self.least = min(self.least, later.least)
        self.greatest = max(self.greatest, later.greatest)
        self.total += later.total
        self.last = later.last
        self.count += later.count


def points(
    connection: Connection, names: tuple[str, ...], since_ms: int, until_ms: int, step_ms: int = 0
) -> dict[Series, list[Point]]:
    """The series of these names with at least one number in [since_ms, until_ms), oldest first.

    step_ms: one point for each such length of time, beginning at its multiples; 0: as they are stored."""
    found: dict[Series, list[Point]] = {}
    places = ", ".join(f"?{at + 3}" for at in range(len(names)))
    for timestamp_ms, name, tags, value in connection.execute(
        _NUMBERS.format(names=places), (since_ms, until_ms, *names)
    ):
        at = timestamp_ms - timestamp_ms % step_ms if step_ms else timestamp_ms
        point = Point(at, value, value, value, value)
        line = found.setdefault((name, tags), [])
        if step_ms and line and line[-1].timestamp_ms == at:
            line[-1].take(point)
        else:
            line.append(point)
    return found
