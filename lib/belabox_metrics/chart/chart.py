"""What a chart shows: its lines, what happened meanwhile, and the time that it is about."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..store.history import Point

# A name that a device gave itself is shortened in a legend.
NAME_LIMIT = 40


class Window:
    """The time that all charts of a page share: [since_ms, until_ms), Unix time."""

    __slots__ = ("since_ms", "until_ms")

    def __init__(self, since_ms: int, until_ms: int) -> None:
        self.since_ms = since_ms
        self.until_ms = max(until_ms, since_ms + 1)

    def share(self, at_ms: float) -> float:
        """How much of it has passed at that moment: 0 to 1, at its ends for what is not within."""
        return min(max((at_ms - self.since_ms) / (self.until_ms - self.since_ms), 0.0), 1.0)


class Line:
    """One line, oldest point first. label: for a person, any text.

    gap_ms: two points that are further apart than this have nothing between them; a little more than two intervals of
    what was measured. is_step: the value holds until the next, as a count of links does."""

    __slots__ = ("gap_ms", "is_step", "label", "points")

    def __init__(self, label: str, points: Sequence[Point], gap_ms: int, is_step: bool = False) -> None:
        self.label = label
        self.points = points
        self.gap_ms = gap_ms
        self.is_step = is_step


class Mark:
    """Something that happened: `text` tells what; `label`, a character or two, stands above the line. is_bad: a fault,
    as against a thing that happens."""

    __slots__ = ("at_ms", "is_bad", "label", "text")

    def __init__(self, at_ms: int, text: str, is_bad: bool = False, label: str = "") -> None:
        self.at_ms = at_ms
        self.text = text
        self.is_bad = is_bad
        self.label = label


class Span:
    """A time that is shaded: `text` tells why."""

    __slots__ = ("since_ms", "text", "until_ms")

    def __init__(self, since_ms: int, until_ms: int, text: str) -> None:
        self.since_ms = since_ms
        self.until_ms = until_ms
        self.text = text


class Chart:
    """One drawing. name: of a series, whose unit the axis and the legend have (quantity.py).

    least, most: what the axis shows at any rate, None for what the lines need. height: of the plot, in pixels."""

    __slots__ = ("height", "least", "lines", "marks", "most", "name", "spans", "title")

    def __init__(
        self,
        title: str,
        name: str,
        lines: Sequence[Line],
        *,
        marks: Sequence[Mark] = (),
        spans: Sequence[Span] = (),
        least: float | None = 0,
        most: float | None = None,
        height: int = 96,
    ) -> None:
        self.title = title
        self.name = name
        self.lines = lines
        self.marks = marks
        self.spans = spans
        self.least = least
        self.most = most
        self.height = height
