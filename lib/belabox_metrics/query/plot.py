"""A line over time as text: the values at the side, local times below, nothing where there was nothing.

Written here because what Debian has for it, gnuplot and matplotlib, is larger than all of this program, and what is
small (plotext, asciichartpy) is not in Debian and knows no gaps.
"""

from __future__ import annotations

import time
from bisect import bisect

from ..terminal import columns
from .canvas import Ascii, Braille, Canvas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.history import Point
    from .line import Line
    from .screen import Screen

_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
# Distances of times that people count in.
_TICKS_MS = (
    *(seconds * 1000 for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR_MS for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY_MS for days in (1, 2, 5, 10, 30, 100, 365)),
)
# Between a label and the next.
_APART = 4
_NARROWEST = 8


def plot(line: Line, since_ms: int, until_ms: int, screen: Screen, rows: int) -> list[str]:
    """`rows` lines of the curve and two of the axis below it, as wide as the screen; [] where there is no room."""
    low, high = _bounds(line)
    side = [""] * rows
    # Room for the middle where there are enough rows for it.
    marks = {0: high, rows - 1: low, **({rows // 2: low / 2 + high / 2} if rows > 4 and rows % 2 else {})}
    for row, value in marks.items():
        side[row] = screen.fit(line.shown(value))
    margin = max(map(columns, side))
    across = screen.width - margin - 2
    if across < _NARROWEST:
        return []
    canvas = Canvas(across, rows, Braille() if screen.unicode else Ascii())
    _draw(canvas, line, low, high, since_ms, until_ms)
    edge, corner, bottom = "┤└─" if screen.unicode else "|+-"
    rest = "│" if screen.unicode else "|"
    lines = [
        f"{screen.pad(label, margin, right=True)} {edge if label else rest}{screen.curve(curve)}".rstrip()
        for label, curve in zip(side, canvas.lines())
    ]
    ticks, labels = _axis(since_ms, until_ms, across, bottom, "┬" if screen.unicode else "+")
    return [*lines, f"{'':{margin}} {corner}{ticks}", f"{'':{margin}}  {labels}".rstrip()]


def _bounds(line: Line) -> tuple[float, float]:
    """The values at the bottom and at the top. A rate is shown from 0 on, so that one that breaks down is seen to; what
    would have the same label at both ends gets some room around it."""
    low, high = line.least, line.greatest
    if line.is_rate:
        low = min(low, 0.0)
    if line.shown(low) == line.shown(high):
        room = max(abs(low), abs(high)) * 0.05 or 1.0
        low, high = max(low - room, -_LARGEST), min(high + room, _LARGEST)
    return low, high


_LARGEST = 1.7e308


def _draw(canvas: Canvas, line: Line, low: float, high: float, since_ms: int, until_ms: int) -> None:
    def column(point: Point) -> int:
        return (point.timestamp_ms - since_ms) * canvas.width // (until_ms - since_ms)

    def height(value: float) -> int:
        # Halved: the distance of two doubles may be more than a double holds.
        return round((value / 2 - low / 2) / (high / 2 - low / 2) * (canvas.height - 1))

    for run in line.runs():
        before = None
        for point in run:
            at, middle = column(point), height(point.mean)
            canvas.bar(at, height(point.least), height(point.greatest))
            if before is not None:
                _join(canvas, before, (at, middle))
            before = (at, middle)


def _join(canvas: Canvas, start: tuple[int, int], end: tuple[int, int]) -> None:
    """A straight line of dots without holes between two (column, height)."""
    (left, first), (right, last) = start, end
    steps = max(right - left, 1)
    reached = first
    for step in range(1, steps + 1):
        to = first + round((last - first) * step / steps)
        # From the height reached, which has its dot, to the next.
        low, high = (reached + 1, to) if to > reached else (to, max(to, reached - 1))
        canvas.bar(left + min(step, right - left), low, high)
        reached = to


def _axis(since_ms: int, until_ms: int, across: int, bottom: str, tick: str) -> tuple[str, str]:
    """The line below the curve and the times below that line."""
    span_ms = until_ms - since_ms
    form = _form(since_ms, until_ms)
    apart = len(time.strftime(form, time.localtime(0))) + _APART
    at = bisect(_TICKS_MS, span_ms * apart // across)
    every_ms = _TICKS_MS[min(at, len(_TICKS_MS) - 1)]
    ticks, labels = [bottom] * across, [" "] * (across + apart)
    free = 0
    for tick_ms in _local_multiples(since_ms, until_ms, every_ms):
        place = (tick_ms - since_ms) * across // span_ms
        label = time.strftime(form, time.localtime(tick_ms // 1000))
        start = min(max(0, place - len(label) // 2), across - len(label))
        if start < free:
            continue
        ticks[place] = tick
        labels[start : start + len(label)] = label
        free = start + len(label) + 1
    return "".join(ticks), "".join(labels)


def _form(since_ms: int, until_ms: int) -> str:
    if until_ms - since_ms > 3 * _DAY_MS:
        return "%m-%d"
    return "%H:%M" if until_ms - since_ms > 5 * _MINUTE_MS else "%H:%M:%S"


def _local_multiples(since_ms: int, until_ms: int, every_ms: int) -> list[int]:
    """The multiples of `every_ms` on the local clock, as it is at the beginning."""
    ahead_ms = time.localtime(since_ms // 1000).tm_gmtoff * 1000
    first = -(-(since_ms + ahead_ms) // every_ms) * every_ms - ahead_ms
    return list(range(first, until_ms, every_ms))
