"""Durations as people write them (`30s`, `1h30m`), and in milliseconds."""

from __future__ import annotations

import re

from .findings import Unfit, shown

UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
SECOND = UNITS["s"]
MINUTE = UNITS["m"]
HOUR = UNITS["h"]
DAY = UNITS["d"]

_FORMS = "write 250ms, 30s, 5m, 1h30m or 7d"
# Units from large to small, each once: 1h30m, not 30m1h. Nine digits of days in ms still fit into 64 bits.
_SPELLED = re.compile("".join(f"(?:([0-9]{{1,9}}){unit})?" for unit in UNITS))


def parse(text: str) -> int:
    """`1h30m` -> 5400000. Raises Unfit; a bare number too, for nobody can tell seconds from milliseconds."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        raise Unfit(f"{text} has no unit", hint=f"write {text}s for seconds")
    match = _SPELLED.fullmatch(text)
    if match is None or not text:
        raise Unfit(f"{shown(text)} is not a duration", hint=_FORMS)
    return sum(int(number) * size for number, size in zip(match.groups(), UNITS.values()) if number)


def spell(duration_ms: int) -> str:
    """5400000 -> `1h30m`. What parse() reads, in the fewest units."""
    parts = []
    rest = duration_ms
    for unit, size in UNITS.items():
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
