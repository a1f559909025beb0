"""Numbers of the past, whatever form they are kept in: what a plot, a report and an export are made of."""

from __future__ import annotations

from ..json_text import parse
from . import aggregate
from .packed import VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection

    from .aggregate import Aggregate

    Series = tuple[str, str]  # name, canonical tags
    Places = dict[int, list[tuple[int, str, str]]]  # shape -> position, name and tags

# A run's id is never less than its timestamp, so the id bounds the search from below, and from below only.
_NUMBERS = """
SELECT run.id, run.id - run.lead_ms AS timestamp_ms, series.name, series.tags,
    json_extract({values}, '$[' || series.position || ']') AS value
FROM runs AS run JOIN series ON series.shape = run.shape
WHERE run.id >= ?1 AND timestamp_ms >= ?1 AND timestamp_ms < ?2 AND run.packed IS NOT NULL
    AND run.shape IN (SELECT shape FROM series WHERE name IN ({names})) AND series.name IN ({names})
    AND typeof(value) IN ('integer', 'real')
ORDER BY run.id
"""
_PLACES = "SELECT shape, position, name, tags FROM series WHERE name IN ({names}) ORDER BY shape, position"
_STEPS = """
SELECT id, last_run, packed FROM {table} WHERE id >= ? AND id < ? AND (id & 4294967295) IN ({shapes}) ORDER BY id
"""
_OF_SHAPES = "SELECT shape FROM series WHERE name IN ({names})"
_COUNTED = """
SELECT shape, count(*) FROM runs
WHERE id >= ?1 AND id - lead_ms >= ?1 AND id - lead_ms < ?2 AND packed IS NOT NULL AND shape IN ({shapes})
GROUP BY shape
"""
_COUNTED_STEPS = """
SELECT id & 4294967295, count(*) FROM {table} WHERE id >= ? AND id < ? AND (id & 4294967295) IN ({shapes}) GROUP BY 1
"""
# Tables of what is rolled up, and the length of their steps.
MINUTE_MS = 60_000
ROLLED = (("five_minutes", 5 * MINUTE_MS), ("minutes", MINUTE_MS))
# An id of these is the number of the step times this, and the shape.
SHAPES = 2**32
LAST = 2**63 - 1


class Point:
    """What a series was from `timestamp_ms` (Unix time) on: `count` numbers, of which `last` was the last. One that was
    stored as it is has `count` 1.

    Of a counter `mean` is the last, as a sum of counts says nothing; `first` is where it began and `rise` what was
    counted from there to `last`, though it may have begun anew between. Of a gauge these two say nothing."""

    __slots__ = ("count", "first", "greatest", "last", "least", "rise", "timestamp_ms", "total")

    def __init__(
        self, timestamp_ms: int, least: float, greatest: float, total: float, last: float, count: int = 1
    ) -> None:
        self.timestamp_ms = timestamp_ms
        self.least = least
        self.greatest = greatest
        self.total = total
        self.last = last
        self.count = count
        self.first = last
        self.rise: float = 0

    @property
    def mean(self) -> float:
        mean = self.total / self.count
        # A sum may be more than a double holds, what it is a mean of is not.
        return min(max(mean, self.least), self.greatest) if mean == mean else self.last

    def take(self, later: Point) -> None:
        """`later` happened in the same step."""
        self.least = min(self.least, later.least)
        self.greatest = max(self.greatest, later.greatest)
        self.total += later.total
        self.rise += later.rise + float(aggregate.risen(self.last, later.first))
        self.last = later.last
        self.count += later.count


def increase(points: list[Point]) -> float:
    """What a counter counted from the first to the last of `points`, which are in their order."""
    between = [float(aggregate.risen(before.last, after.first)) for before, after in zip(points, points[1:])]
    return sum(between) + sum(point.rise for point in points)


def points(
    connection: Connection, names: tuple[str, ...], since_ms: int, until_ms: int, step_ms: int = 0
) -> dict[Series, list[Point]]:
    """The series of these names with at least one number in [since_ms, until_ms), oldest first.

    step_ms: one point for each such length of time, beginning at its multiples; 0: as they are stored. What is rolled
    up is one point for its minute, or its five, and belongs where that begins."""
    places: Places = {}
    marks = _marks(names, 1)
    for shape, position, name, tags in connection.execute(_PLACES.format(names=marks), names):
        places.setdefault(shape, []).append((position, name, tags))
    # What is in one step, or at one moment, is in the order of runs.
    found: dict[Series, dict[tuple[int, int], Aggregate]] = {}
    stored = connection.execute(_NUMBERS.format(values=VALUES, names=_marks(names, 3)), (since_ms, until_ms, *names))
    taken: Iterator[tuple[int, str, str, Aggregate]] = (
        (timestamp_ms, name, tags, aggregate.single(name, value, run))
        for run, timestamp_ms, name, tags, value in stored
    )
    for one in (_rolled_up(connection, places, since_ms, until_ms), taken):
        for timestamp_ms, name, tags, what in one:
            at = (timestamp_ms - timestamp_ms % step_ms, 0) if step_ms else (timestamp_ms, what.last_run)
            line = found.setdefault((name, tags), {})
            if at not in line:
                line[at] = what
            else:
                line[at].take(what)  # type: ignore[arg-type]
    # A long stream has some 100 MB of them, so what has become points is let go at once.
    made: dict[Series, list[Point]] = {}
    for series in list(found):
        line = found.pop(series)
        made[series] = [_point(at, line[at, run]) for at, run in sorted(line)]
    return made


def amount(connection: Connection, names: tuple[str, ...], since_ms: int, until_ms: int) -> list[int]:
    """For each shape's series of these names in [since_ms, until_ms): about how many points are stored of it. Told in a
    hundredth of the time that reading them takes."""
    shapes = [shape for (shape,) in connection.execute(_OF_SHAPES.format(names=_marks(names, 1)), names)]
    found = dict.fromkeys(shapes, 0)
    marks = ", ".join(map(str, found))
    counted = connection.execute(_COUNTED.format(shapes=marks), (since_ms, until_ms)).fetchall()
    for table, length_ms in ROLLED:
        first, end = (min(-(-at_ms // length_ms) * SHAPES, LAST) for at_ms in (since_ms, until_ms))
        counted += connection.execute(_COUNTED_STEPS.format(table=table, shapes=marks), (first, end)).fetchall()
    for shape, count in counted:
        found[shape] += count
    return [found[shape] for shape in shapes]


def _rolled_up(
    connection: Connection, places: Places, since_ms: int, until_ms: int
) -> Iterator[tuple[int, str, str, Aggregate]]:
    """Steps that begin in [since_ms, until_ms): where, the series, what it came to."""
    for table, length_ms in ROLLED if places else ():
        first, end = (min(-(-at_ms // length_ms) * SHAPES, LAST) for at_ms in (since_ms, until_ms))
        query = _STEPS.format(table=table, shapes=",".join(map(str, places)))
        # The shapes of one step follow each other, and one series may be in several.
        step = -1
        found: dict[Series, Aggregate] = {}
        for number, last_run, packed in connection.execute(query, (first, end)):
            if number // SHAPES != step:
                yield from _at(step * length_ms, found)
                step, found = number // SHAPES, {}
            _mix(found, places[number % SHAPES], _cells(packed), last_run)
        yield from _at(step * length_ms, found)


def _mix(
    found: dict[Series, Aggregate], places: list[tuple[int, str, str]], cells: list[object], last_run: int
) -> None:
    for position, name, tags in places:
        what = aggregate.read(name, cells[position], last_run) if position < len(cells) else None
        if what is None:
            continue
        if (name, tags) in found:
            found[name, tags].mix(what)  # type: ignore[arg-type]
        else:
            found[name, tags] = what


def _at(timestamp_ms: int, found: dict[Series, Aggregate]) -> Iterator[tuple[int, str, str, Aggregate]]:
    for (name, tags), what in found.items():
        yield timestamp_ms, name, tags, what


def _cells(packed: str) -> list[object]:
    try:
        cells = parse(packed)
    except ValueError:  # a damaged row must not hide the others
        return []
    return cells if isinstance(cells, list) else []


def _point(timestamp_ms: int, what: Aggregate) -> Point:
    point = Point(timestamp_ms, what.least, what.greatest, what.total, what.last, what.count)
    if isinstance(what, aggregate.Counter):
        point.first, point.rise = what.first, what.rise
    return point


def _marks(names: tuple[str, ...], first: int) -> str:
    return ", ".join(f"?{at + first}" for at in range(len(names)))
