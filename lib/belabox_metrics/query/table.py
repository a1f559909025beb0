"""What each series was, in figures."""

from __future__ import annotations

from ..terminal import columns
from .samples import spelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .line import Line
    from .screen import Screen

_TITLES = ("SERIES", "LAST", "MIN", "MEAN", "MAX", "COUNT")
# What goes first where the screen is narrow, by its place in the row.
_DISPENSABLE = (5, 3, 2)
# Less than this does not tell one series from another, and at times more is needed for that.
_NAME = 18


class Text:
    """A series that had texts: how many, and the last."""

    def __init__(self, name: str, tags: str, count: int, last: str) -> None:
        self.name = name
        self.tags = tags
        self.count = count
        self.last = last


def table(lines: list[Line], texts: list[Text], screen: Screen, most: int) -> list[str]:
    """A row for each of the first `most` series and one for the rest, within the width of the screen."""
    rows = [_TITLES, *[_figures(line, screen) for line in lines[:most]]]
    kept = list(range(len(_TITLES)))
    for at in (*_DISPENSABLE, None):
        widths = {place: max(columns(row[place]) for row in rows) for place in kept}
        room = screen.width - sum(widths[place] + 2 for place in kept[1:])
        names = {screen.cut(row[0], max(room, 0)) for row in rows}
        if (room >= min(_NAME, widths[0]) and len(names) == len(rows)) or at is None:
            break
        kept.remove(at)
    name = max(min(widths[0], room), 1)
    shown = []
    for row in rows:
        first = screen.pad(screen.cut(row[0], name), name)
        shown.append("  ".join([first, *(screen.pad(row[place], widths[place], right=True) for place in kept[1:])]))
    for text in texts[: max(most - len(lines), 1)]:
        label = screen.fit(spelled(text.name, text.tags))
        first = screen.cut(label, max(screen.width // 2, name))
        rest = screen.fit(f"{text.last}")
        shown.append(f"{first}  {screen.cut(rest, screen.width - columns(first) - 2)}")
    left = max(len(lines) - most, 0) + max(len(texts) - max(most - len(lines), 1), 0)
    if left:
        shown.append(f"and {left} more series: --all")
    return [row.rstrip() for row in shown]


def _figures(line: Line, screen: Screen) -> tuple[str, ...]:
    name = screen.fit(spelled(line.name, line.tags))
    if not line.points:
        return (name, "-", "-", "-", "-", str(line.count))
    values = (line.points[-1].last, line.least, line.mean, line.greatest)
    return (name, *(screen.fit(line.shown(value)) for value in values), str(line.count))
