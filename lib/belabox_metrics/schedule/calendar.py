"""Intervals that divide a day, as calendar expressions of systemd.time(7).

A timer on the wall clock keeps the mean period exact; one that counts from the last start is late by some
milliseconds each time.
"""

from __future__ import annotations

from math import gcd

_MINUTE = 60_000
_HOUR = 3_600_000
_DAY = 86_400_000

# More lines than that are no schedule a person can read. What would need them is long (128s) or odd
# (5s120ms), and as good as exact when counted.
MOST = 60


def expressions(interval_ms: int, offset_ms: int) -> list[str]:
    """Expressions that together elapse `offset_ms` after midnight and every `interval_ms` from there, across
    minutes, hours and days. None when the interval does not divide a day, or would need more than MOST.

    In UTC: at a change to or from summer time a local clock would skip or repeat."""
    if _DAY % interval_ms:
        return []
    # After so many hours, and minutes, the pattern repeats.
    hours = _repeat(interval_ms, _HOUR)
    minutes = _repeat(interval_ms, _MINUTE)
    lines: list[str] = []
    for hour in range(hours):
        for minute in range(min(minutes, 60)):
            seconds = _seconds((offset_ms - hour * _HOUR - minute * _MINUTE) % interval_ms, interval_ms)
            if seconds:
                lines.append(f"{_field(hour, hours, 24)}:{_field(minute, minutes, 60)}:{seconds} UTC")
    return lines if len(lines) <= MOST else []


def _repeat(interval_ms: int, unit_ms: int) -> int:
    return interval_ms // gcd(interval_ms, unit_ms)


def _field(value: int, step: int, size: int) -> str:
    """The hours or minutes `value`, `value + step`, ... below `size`."""
    if step == 1:
        return "*"
    # systemd refuses a step that leads nowhere.
    return f"{value:02}/{step}" if value + step < size else f"{value:02}"


def _seconds(first_ms: int, interval_ms: int) -> str:
    """The seconds of a minute in which the first start is at `first_ms`; "" for none."""
    if first_ms >= _MINUTE:
        return ""
    text = f"{first_ms // 1000:02}{_fraction(first_ms)}"
    if first_ms + interval_ms < _MINUTE:
        text += f"/{interval_ms // 1000}{_fraction(interval_ms)}"
    return text


def _fraction(ms: int) -> str:
    return f".{ms % 1000:03}".rstrip("0").rstrip(".")
