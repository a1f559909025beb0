"""Points to the paths of SVG: the line through their means, and the band from least to greatest."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..store.history import Point
    from .chart import Line, Window

# Units of the plot from its left to its right edge; it is stretched to the width of the page.
WIDTH = 1000


class Plane:
    """Time and value to coordinates: 0 to WIDTH, and `height` at `low` to 0 at `high`."""

    __slots__ = ("height", "high", "low", "window")

    def __init__(self, window: Window, low: float, high: float, height: int) -> None:
        self.window = window
        self.low = low
        self.high = high
        self.height = height

    def x(self, at_ms: float) -> str:
        return _short(WIDTH * self.window.share(at_ms))

    def y(self, value: float) -> str:
        return _short(self.height * min(max((self.high - value) / (self.high - self.low), 0.0), 1.0))


def line(line: Line, plane: Plane) -> str:
    """The attribute `d` of a path; a point without neighbours is a dot."""
    parts = []
    for run in _runs(line):
        first, *rest = [(plane.x(point.timestamp_ms), plane.y(point.mean)) for point in run]
        parts.append(f"M{first[0]} {first[1]}")
        if not rest:
            parts.append("h0")
        elif line.is_step:
            parts += [f"H{x}V{y}" for x, y in rest]
        else:
            parts.append("L" + " ".join([f"{x} {y}" for x, y in rest]))
    return "".join(parts)


def band(line: Line, plane: Plane) -> str:
    """The same, of the area between the least and the greatest of each point; "" where no point stands for several."""
    parts = []
    for run in _runs(line):
        if len(run) < 2 or not any(point.greatest > point.least for point in run):
            continue
        above = [f"{plane.x(point.timestamp_ms)} {plane.y(point.greatest)}" for point in run]
        below = [f"{plane.x(point.timestamp_ms)} {plane.y(point.least)}" for point in reversed(run)]
        parts.append(f"M{' '.join(above)} {' '.join(below)}Z")
    return "".join(parts)


def _runs(line: Line) -> Iterator[Sequence[Point]]:
    """The points in pieces that have no gap in them."""
    start = 0
    points = line.points
    for at in range(1, len(points) + 1):
        if at == len(points) or points[at].timestamp_ms - points[at - 1].timestamp_ms > line.gap_ms:
            yield points[start:at]
            start = at


def _short(number: float) -> str:
    """To a tenth, which is less than a pixel."""
    return f"{number:.1f}".removesuffix(".0")
