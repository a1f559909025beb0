"""One series of a session, and the spells in which it was bad."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ..store.history import Point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Callable

# Where one reading is all there is.
USUAL_INTERVAL_MS = 10_000


class Series:
    """name; tags; points: in the time of the session and a little before and after it, oldest first; interval_ms: the
    usual time from one to the next. is_coarse: points are of steps, so when within one a number was bad is not known:
    steps of `step_ms`, or what old numbers are rolled up to."""

    __slots__ = ("_times", "interval_ms", "is_coarse", "name", "points", "tags")

    def __init__(self, name: str, tags: dict[str, str], points: Sequence[Point], step_ms: int = 0) -> None:
        self.is_coarse = step_ms > 0 or any(point.count > 1 for point in points)
        self.name = name
        self.tags = tags
        # They come in the order of writing, which is another one where the clock was set back.
        self.points = sorted(points, key=lambda point: point.timestamp_ms)
        self._times = [point.timestamp_ms for point in self.points]
        gaps = sorted([late - early for early, late in zip(self._times, self._times[1:])])
        self.interval_ms = gaps[len(gaps) // 2] if gaps else USUAL_INTERVAL_MS

    def within(self, since_ms: int, until_ms: int) -> list[Point]:
        """The points of [since_ms, until_ms]."""
        return self.points[bisect_left(self._times, since_ms) : bisect_right(self._times, until_ms)]

    def before(self, at_ms: int, most_ms: int) -> Point | None:
        """The last point at that moment or before, not older than `most_ms`."""
        at = bisect_right(self._times, at_ms) - 1
        return self.points[at] if at >= 0 and self._times[at] >= at_ms - most_ms else None


class Spell:
    """Readings that were bad, one after the other: `points`. since_ms: of the first; until_ms: of the first good one
    behind, or of the last bad one where nothing or a gap follows (`is_open`); before: the good reading before it."""

    __slots__ = ("before", "is_open", "points", "since_ms", "until_ms")

    def __init__(self, points: list[Point], before: Point | None, after: Point | None) -> None:
        self.points = points
        self.before = before
        self.since_ms = points[0].timestamp_ms
        self.is_open = after is None
        self.until_ms = (after or points[-1]).timestamp_ms

    @property
    def least(self) -> float:
        return min([point.least for point in self.points])

    @property
    def greatest(self) -> float:
        return max([point.greatest for point in self.points])

    def __len__(self) -> int:
        return len(self.points)


def spells(
    points: Sequence[Point], gap_ms: int, is_bad: Callable[[Point], bool], join_ms: int = 0, unseen_ms: int = 0
) -> list[Spell]:
    """The spells of `points`. One ends where the next point is further away than `gap_ms`. Two are one where the second
    begins no later than `join_ms` after the last bad reading of the first, or `unseen_ms` with nothing read between."""
    found: list[tuple[list[Point], Point | None, Point | None]] = []
    last: Point | None = None
    is_on = False
    for point in points:
        if last and point.timestamp_ms - last.timestamp_ms > gap_ms:
            last, is_on = None, False
        if is_bad(point):
            if is_on:
                found[-1][0].append(point)
            elif found and point.timestamp_ms - found[-1][0][-1].timestamp_ms <= (
                join_ms if found[-1][2] else unseen_ms
            ):
                found[-1] = ([*found[-1][0], point], found[-1][1], None)
            else:
                found.append(([point], last, None))
            is_on = True
        elif is_on:
            found[-1] = (found[-1][0], found[-1][1], point)
            is_on = False
        last = point
    return [Spell(*one) for one in found]


def median(numbers: list[float]) -> float | None:
    """None of none."""
    ordered = sorted(numbers)
    return ordered[len(ordered) // 2] if ordered else None


def thinned(points: Sequence[Point], step_ms: int) -> list[Point]:
    """The same in steps of that length; the points themselves are left as they are."""
    found: list[Point] = []
    for point in points:
        at = point.timestamp_ms - point.timestamp_ms % step_ms
        copy = Point(at, point.least, point.greatest, point.total, point.last, point.count)
        if found and found[-1].timestamp_ms == at:
            found[-1].take(copy)
        else:
            found.append(copy)
    return found
