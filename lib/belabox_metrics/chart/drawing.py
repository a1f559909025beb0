"""A chart as a piece of HTML: a heading, a legend, and one SVG that is as wide as there is room.

The plot alone is stretched. Text keeps its size, so it can be read on a telephone, and so do the widths of lines
(`vector-effect`). All places along the time are in percent, so no style attribute is needed, which a strict policy of
the page would forbid. style.py has the looks.
"""

from __future__ import annotations

from ..markup import escaped
from ..quantity import shown
from . import path, ticks
from .chart import NAME_LIMIT, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .chart import Chart, Window

# Pixels above the plot for the labels of marks, below it for times.
ABOVE = 16
BELOW = 18
# Pixels of height for each step of the axis, so that labels do not meet.
LEVEL = 30
# Lines are told apart by colour and by dashes; style.py has so many of both.
KINDS = 6
# Of values that are drawn.
FARTHEST = 1e300
_PLOT = '<svg y="{0}" width="100%" height="{1}" viewBox="0 0 {2} {1}" preserveAspectRatio="none">'


def drawn(chart: Chart, window: Window) -> str:
    """A `<figure class="chart">`. A chart without a number in it says so in words."""
    lines = [line for line in map(_within, chart.lines) if line.points]
    title = f"<figcaption>{escaped(chart.title)}</figcaption>"
    if not lines:
        return f'<figure class="chart">{title}<p class="none">no numbers were recorded</p></figure>'
    scale = _scale(chart, lines)
    plane = path.Plane(window, scale[0], scale[-1], chart.height)
    parts = [
        f'<svg role="img" width="100%" height="{ABOVE + chart.height + BELOW}">',
        f"<title>{escaped(chart.title)}</title><desc>{_described(chart, lines)}</desc>",
        *_spans(chart, window),
        *_levels(scale, plane),
        *_times(chart, window),
        _PLOT.format(ABOVE, chart.height, path.WIDTH),
    ]
    for at, line in enumerate(lines):
        band = path.band(line, plane)
        if band:
            parts.append(f'<path class="band k{at % KINDS}" d="{band}"/>')
        parts.append(f'<path class="line k{at % KINDS}" d="{path.line(line, plane)}"/>')
    parts += ["</svg>", *_labels(chart, scale, plane), *_marks(chart, window), "</svg>"]
    return f'<figure class="chart">{title}{_legend(chart, lines)}{"".join(parts)}</figure>'


def _within(line: Line) -> Line:
    """Without what is so far out that no double holds the length of an axis to it."""
    points = [point for point in line.points if point.least >= -FARTHEST and point.greatest <= FARTHEST]
    return line if len(points) == len(line.points) else Line(line.label, points, line.gap_ms, line.is_step)


def _scale(chart: Chart, lines: list[Line]) -> list[float]:
    """The levels of the axis: all values are between the first and the last."""
    low = min(point.least for line in lines for point in line.points)
    high = max(point.greatest for line in lines for point in line.points)
    low = low if chart.least is None else min(low, chart.least)
    high = high if chart.most is None else max(high, chart.most)
    return ticks.values(low, high, max(2, chart.height // LEVEL))


def _legend(chart: Chart, lines: list[Line]) -> str:
    """Each line's look, its name and its range. The swatch is a drawing, so it has the line's dashes."""
    items = []
    for at, line in enumerate(lines):
        swatch = (
            '<svg width="24" height="8" aria-hidden="true"><line class="line k{}" x1="1" x2="23" y1="4" y2="4"/></svg>'
        )
        items.append(
            f"<li>{swatch.format(at % KINDS)} {escaped(line.label, NAME_LIMIT)} <b>{_range(chart, line)}</b></li>"
        )
    return f"<ul>{''.join(items)}</ul>"


def _range(chart: Chart, line: Line) -> str:
    """`1.2 Mbit/s to 6 Mbit/s`"""
    least = shown(chart.name, min(point.least for point in line.points))
    greatest = shown(chart.name, max(point.greatest for point in line.points))
    return escaped(least if least == greatest else f"{least} to {greatest}")


def _described(chart: Chart, lines: list[Line]) -> str:
    """For who can't see it."""
    said = [f"{escaped(line.label, NAME_LIMIT)} {_range(chart, line)}" for line in lines]
    marks = [f"{len(chart.marks)} events are marked"] if chart.marks else []
    return "; ".join([*said, *marks])


def _levels(scale: list[float], plane: path.Plane) -> list[str]:
    return [f'<line class="level" x1="0" x2="100%" y1="{y}" y2="{y}"/>' for _, y in _places(scale, plane)]


def _labels(chart: Chart, scale: list[float], plane: path.Plane) -> list[str]:
    """On their lines, over the plot: a column of their own would take a sixth of a telephone."""
    named = [(escaped(shown(chart.name, _round(level))), y) for level, y in _places(scale, plane)]
    # Above their lines, but for the highest, above which the labels of marks are.
    below = [*[-3] * (len(named) - 1), 11]
    return [f'<text class="level" x="2" y="{y + by:g}">{label}</text>' for (label, y), by in zip(named, below)]


def _places(scale: list[float], plane: path.Plane) -> list[tuple[float, float]]:
    return [(level, ABOVE + float(plane.y(level))) for level in scale]


def _round(level: float) -> float:
    """Without the last bit of a product: 0.6000000000000001."""
    return float(f"{level:.9g}")


def _times(chart: Chart, window: Window) -> list[str]:
    bottom = ABOVE + chart.height
    parts = []
    for at_ms, label in ticks.times(window.since_ms, window.until_ms):
        share = window.share(at_ms)
        anchor = "start" if share < 0.06 else "end" if share > 0.94 else "middle"
        x = _percent(share)
        parts.append(f'<line class="time" x1="{x}" x2="{x}" y1="{ABOVE}" y2="{bottom + 4}"/>')
        parts.append(f'<text class="time" text-anchor="{anchor}" x="{x}" y="{bottom + 15}">{label}</text>')
    return parts


def _spans(chart: Chart, window: Window) -> list[str]:
    parts = []
    for span in chart.spans:
        begin, end = window.share(span.since_ms), window.share(span.until_ms)
        # One of a second in a stream of hours is still to be seen.
        parts.append(
            f'<rect class="span" x="{_percent(begin)}" width="{_percent(max(end - begin, 0.002))}" y="{ABOVE}"'
            f' height="{chart.height}"><title>{escaped(span.text)}</title></rect>'
        )
    return parts


def _marks(chart: Chart, window: Window) -> list[str]:
    parts = []
    for mark in chart.marks:
        if not window.since_ms <= mark.at_ms <= window.until_ms:
            continue
        share = window.share(mark.at_ms)
        x, kind = _percent(share), "mark bad" if mark.is_bad else "mark"
        anchor = "start" if share < 0.02 else "end" if share > 0.98 else "middle"
        label = (
            f'<text x="{x}" y="{ABOVE - 4}" text-anchor="{anchor}">{escaped(mark.label)}</text>' if mark.label else ""
        )
        parts.append(
            f'<g class="{kind}"><title>{escaped(mark.text)}</title>'
            f'<line x1="{x}" x2="{x}" y1="{ABOVE}" y2="{ABOVE + chart.height}"/>{label}</g>'
        )
    return parts


def _percent(share: float) -> str:
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"
