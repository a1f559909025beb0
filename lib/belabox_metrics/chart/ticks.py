"""Where an axis has its lines, and what stands beside them: round numbers, and round times of the local clock."""

from __future__ import annotations

import math
import time

_STEPS = (1, 2, 2.5, 5, 10)
# Seconds between two times that a person would call round.
_SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_DAY = 86_400
# Closer than this, as a share of them, two numbers have no room for levels between; nor have two near the least double.
_NEAR, _LEAST = 1e-12, 1e-290


def values(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers at equal distances, the first at `low` or below, the last at `high` or above: `most` + 1 of them at
    most. `high` is taken as more than `low` by what a double can tell apart."""
    if high - low <= max(abs(low) * _NEAR, _LEAST):
        high = low + (abs(low) if abs(low) > _LEAST else 1)
    decade = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (factor * scale for scale in (decade, decade * 10) for factor in _STEPS):
        first, last = math.floor(low / step), math.ceil(high / step)
        if last - first <= most:
            break
    return [at * step for at in range(first, last + 1)]


def times(since_ms: int, until_ms: int, most: int = 5) -> list[tuple[int, str]]:
    """(Unix time in ms, as a clock on the wall shows it) of up to `most` moments between the two."""
    span_s = max(1, (until_ms - since_ms) // 1000)
    step_s = next((span for span in _SPANS if span_s <= span * most), 0)
    if not step_s:
        step_s = _DAY * math.ceil(span_s / _DAY / most)
    form = "%H:%M:%S" if step_s < 60 else "%H:%M" if step_s < _DAY else "%d %b"
    # Round on the clock of this place; a change to or from summer time within it shifts what follows by an hour.
    offset_s = time.localtime(since_ms / 1000).tm_gmtoff
    first = -(-(since_ms + offset_s * 1000) // (step_s * 1000)) * step_s * 1000 - offset_s * 1000
    found = range(first, until_ms + 1, step_s * 1000)
    return [(at, time.strftime(form, time.localtime(at / 1000))) for at in found[:most]]
