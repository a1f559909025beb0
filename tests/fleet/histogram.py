"""Arrivals second by second: figures, and a picture of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from belabox_metrics.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .clockwork import Arrival

WIDTH, HEIGHT, LEFT, TOP, BELOW = 900, 150, 50, 46, 30


class Histogram(NamedTuple):
    """In each second from `since_s` on: `counts` requests, `opened` connections, which carry one or more."""

    title: str
    since_s: int
    counts: list[int]
    opened: list[int]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float:
        return self.total / len(self.counts)

    @property
    def most(self) -> int:
        return max(self.counts)

    def at(self, share: float) -> int:
        """What so large a share of the seconds does not exceed."""
        return sorted(self.counts)[min(int(share * len(self.counts)), len(self.counts) - 1)]


def histogram(title: str, arrivals: Iterable[Arrival], since_s: int, until_s: int) -> Histogram:
    """Of [since_s, until_s)."""
    counts: Counter[int] = Counter()
    opened: Counter[int] = Counter()
    for arrival in arrivals:
        counts[int(arrival.at_s)] += 1
        opened[int(arrival.at_s)] += arrival.opens
    seconds = range(since_s, until_s)
    return Histogram(title, since_s, [counts[second] for second in seconds], [opened[second] for second in seconds])


def picture(histograms: list[Histogram], marks: dict[int, str]) -> str:
    """An SVG that stands alone: one below the other, each with its own height. `marks`: seconds, and what was then."""
    panel = TOP + HEIGHT + BELOW
    box = f"0 0 {WIDTH + LEFT + 20} {panel * len(histograms)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img" font-family="sans-serif" font-size="13">',
        "<title>Requests of the fleet that arrive in each second</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for at, one in enumerate(histograms):
        parts += _panel(one, marks, panel * at + TOP)
    return "\n".join([*parts, "</svg>", ""])


def _panel(one: Histogram, marks: dict[int, str], top: int) -> list[str]:
    bottom, most = top + HEIGHT, max(one.most, 1)
    width = WIDTH / len(one.counts)
    told = (
        f"requests (light): at most {one.most} in a second, {one.mean:.0f} on average; "
        f"connections (dark): at most {max(one.opened)}, {sum(one.opened) / len(one.opened):.0f} on average"
    )
    parts = [
        f'<text x="{LEFT}" y="{top - 24}" font-weight="bold" fill="#1a1a1a">{escaped(one.title)}</text>',
        f'<text x="{LEFT}" y="{top - 8}" fill="#444444">{told}</text>',
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end" fill="#444444">{most}</text>',
        f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end" fill="#444444">0</text>',
        f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{bottom}" y2="{bottom}" stroke="#444444"/>',
    ]
    parts += [_bars(one.counts, "#9cc4e4", most, bottom), _bars(one.opened, "#0b5fa5", most, bottom)]
    step = 60 if len(one.counts) > 150 else 10
    for second in range(0, len(one.counts) + 1, step):
        x = LEFT + second * width
        label = f"{(one.since_s + second) // 60}:{(one.since_s + second) % 60:02}"
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle" fill="#444444">{label}</text>')
    for second, what in marks.items():
        if one.since_s <= second < one.since_s + len(one.counts):
            x = LEFT + (second - one.since_s) * width
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#b3261e" stroke-dasharray="4 3"/>'
            )
            parts.append(f'<text x="{x + 4:.1f}" y="{top + 12}" fill="#b3261e">{escaped(what)}</text>')
    return parts


def _bars(counts: list[int], colour: str, most: int, bottom: int) -> str:
    width = WIDTH / len(counts)
    drawn = [
        f"M{LEFT + second * width:.1f} {bottom}v{-HEIGHT * count / most:.1f}h{max(width - 0.2, 0.3):.1f}V{bottom}z"
        for second, count in enumerate(counts)
        if count
    ]
    return f'<path fill="{colour}" d="{"".join(drawn)}"/>'
