"""Sizes as people write them (`500MB`, `5GB`), in bytes: of a thousand, as disks are sold."""

from __future__ import annotations

import re

from .findings import Unfit, shown

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
MB = UNITS["MB"]
GB = UNITS["GB"]


def parse(text: str) -> int:
    """`5GB` -> 5000000000. Raises Unfit; a bare number too, for nobody can tell MB from bytes."""
    if re.fullmatch(r"[0-9]{1,15}", text):
        raise Unfit(f"{text} has no unit", hint=f"write {text}MB for megabytes")
    match = re.fullmatch(r"([0-9]{1,6})([KMGT]B)", text)
    if match is None:
        raise Unfit(f"{shown(text)} is not a size", hint="write 500MB or 5GB")
    return int(match[1]) * UNITS[match[2]]


def spell(size: int) -> str:
    """5000000000 -> `5GB`. What parse() reads, where that can say it."""
    for unit, of in reversed(UNITS.items()):
        if size >= of and size % of == 0:
            return f"{size // of}{unit}"
    return f"{size} bytes"
