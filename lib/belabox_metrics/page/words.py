"""How times and states are said on the page."""

from __future__ import annotations

import time

from ..health.verdict import span

# A sign beside each colour: who can't tell the colours apart reads the sign.
SIGNS = {"ok": "✓", "degraded": "!", "error": "✕"}
_DAY_MS = 86_400_000


def clock(wall_ms: int, now_ms: int) -> str:
    """`14:03:05` on the clock of the box; with the day when that is not within the last 20 hours."""
    there = time.localtime(wall_ms / 1000)
    near = -_DAY_MS < now_ms - wall_ms < _DAY_MS * 5 // 6
    return time.strftime("%H:%M:%S" if near else "%d %b %H:%M", there)


def ago(ms: int) -> str:
    """`12 min ago`, in whole seconds."""
    return f"{lasting(ms)} ago"


def lasting(ms: int) -> str:
    """`40 s`, `12 min`, `1 h 12 min`, `3 d`"""
    seconds = max(0, ms) // 1000
    hours, minutes = divmod(seconds // 60, 60)
    if 1 <= hours < 48 and minutes:
        return f"{hours} h {minutes} min"
    return span(seconds * 1000)
