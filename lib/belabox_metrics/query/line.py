"""A series over time as it is shown: a gauge as it was, a counter as its rate."""

from __future__ import annotations

from math import inf, isfinite
from statistics import median

from ..quantity import shown
from ..store.aggregate import is_counter, risen
from ..store.history import Point

# Where the next value comes later than so many of the usual distances, there was none in between.
MISSED = 2.5
# Of the usual count of values: what a step has that lacks none, but for the trembling of timers.
_WHOLE = 0.9


class Line:
    """One series. `points` are what is plotted, Unix ms; of a counter, its increase a second from the point before.
    `count`: samples that are behind it. `gaps`: (from, to), where it had no values for longer than usual."""

    def __init__(self, name: str, tags: str, points: list[Point], step_ms: int, until_ms: int) -> None:
        self.name = name
        self.tags = tags
        self.is_rate = is_counter(name)
        # An integer that no double holds comes out of SQLite as infinite.
        points = [point for point in points if isfinite(point.least) and isfinite(point.greatest)]
        self.count = sum(point.count for point in points)
        self.usual_ms = _usual_ms(points)
        # A gap that is not over: where it began.
        self.ended_ms: int | None = None
        if points and until_ms - points[-1].timestamp_ms - step_ms > MISSED * self.usual_ms:
            self.ended_ms = points[-1].timestamp_ms + step_ms
        self.gaps = [
            (before.timestamp_ms + step_ms, point.timestamp_ms)
            for before, point in zip(points, points[1:])
            if self._is_far(before, point)
        ]
        self.points = self._rates(points, step_ms, until_ms) if self.is_rate else points

    @property
    def least(self) -> float:
        return min(point.least for point in self.points)

    @property
    def greatest(self) -> float:
        return max(point.greatest for point in self.points)

    @property
    def is_constant(self) -> bool:
        return not self.points or self.least == self.greatest

    @property
    def mean(self) -> float:
        weight = sum(point.count for point in self.points)
        # Each by itself: the sum of what a double just holds is more than one holds.
        return sum(point.total / weight for point in self.points)

    def shown(self, value: float) -> str:
        """With its unit."""
        return f"{shown(self.name, value)}/s" if self.is_rate else shown(self.name, value)

    def runs(self) -> list[list[Point]]:
        """The points, cut where there is a gap."""
        found: list[list[Point]] = []
        for point in self.points:
            if not found or self._is_far(found[-1][-1], point):
                found.append([])
            found[-1].append(point)
        return found

    def _is_far(self, before: Point, point: Point) -> bool:
        return point.timestamp_ms - before.timestamp_ms > MISSED * self.usual_ms

    def _rates(self, points: list[Point], step_ms: int, until_ms: int) -> list[Point]:
        """What a counter grew by, a second, from each point to the next, at the time of the later one. One that is less
        than before has begun anew, at 0. A step that has not all its values would look like a decline, the last one and
        those at the edges of a gap; and of a gap nobody knows what happened in it."""
        if step_ms:
            whole = _WHOLE * median(point.count for point in points) if points else 0
            points = [point for point in points if point.count >= whole and point.timestamp_ms + step_ms <= until_ms]
        found = []
        for before, point in zip(points, points[1:]):
            passed_ms = point.timestamp_ms - before.timestamp_ms
            if passed_ms > 0 and not self._is_far(before, point):
                rate = (risen(before.last, point.first) + point.rise) / (passed_ms / 1000)
                if isfinite(rate):
                    found.append(Point(point.timestamp_ms, rate, rate, rate, rate))
        return found


def _usual_ms(points: list[Point]) -> float:
    """The distance from one to the next that half of them are below; infinite where nothing can be told from two."""
    if len(points) < 3:
        return inf
    return median(later.timestamp_ms - point.timestamp_ms for point, later in zip(points, points[1:]))
