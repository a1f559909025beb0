"""Where each metric starts within its interval, so that no two start together if it can be avoided."""

from __future__ import annotations

from math import gcd

# Offsets are multiples of this, ms.
GRID = 50
# No offset is larger, ms: it bounds the search, and a minute is room for everybody.
WINDOW = 60_000


def offsets(intervals: dict[str, int]) -> dict[str, int]:
    """`{metric: interval in ms}` to `{metric: offset in ms}`, less than the interval and WINDOW.

    Two that start every `a` and `b` ms come as close as their offsets do modulo gcd(a, b). One after the
    other, the fast first, each gets the offset that keeps it furthest from all before it. So the same input
    gives the same output, and one more metric moves only those that are slower."""
    placed: dict[str, int] = {}
    for metric in sorted(intervals, key=lambda name: (intervals[name], name)):
        interval = intervals[metric]
        # Two whose common beat is shorter than the grid meet whatever their offsets are.
        others = [(offset, gcd(interval, intervals[name])) for name, offset in placed.items()]
        others = [(offset, beat) for offset, beat in others if beat >= 2 * GRID]
        placed[metric] = max(
            range(0, min(interval, WINDOW), GRID),
            key=lambda candidate: min((distance(candidate, *other) for other in others), default=0),
        )
    return placed


def distance(one: int, other: int, beat: int) -> int:
    """How far apart two offsets are on a circle of `beat` ms."""
    apart = (one - other) % beat
    return min(apart, beat - apart)
