"""Bytes as decisions: what a target with an inner structure makes of its input."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")

# Texts that mean something to whoever reads them next: a terminal, a page, a table, a unit, a label.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><b onload=x',
    "\x1b[31m\x1b]0;title\x07",
    "\r\n\r\nHTTP/1.1 200 OK",
    "=cmd|' /C calc'!A0",
    'a"b\\c\nd',
    "\u202e\u2028\u0085\x9b",
    "]]></style></svg>",
    "%00%n{}$(x)",
    "-1e400",
    "a,b;c\td",
    "\x00",
    "界" * 30,
    "é́́",
)
NUMBERS: tuple[int | float, ...] = (
    *(0, 1, -1, 0.1, -0.0, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64, 10**400),
    *(float("nan"), float("inf"), float("-inf"), 1e15, 999.5, 1e-7),
)


class Draw:
    """Takes from the beginning of `data`. Where it is used up all is zero, so that every input has a meaning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._data)

    def bytes(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        self._at += count
        return found.ljust(count, b"\0")

    def number(self, below: int) -> int:
        """0 <= number < below, out of as many bytes as that takes."""
        width = max(1, (max(below - 1, 1).bit_length() + 7) // 8)
        return int.from_bytes(self.bytes(width), "little") % below

    def pick(self, choices: Sequence[Choice]) -> Choice:
        return choices[self.number(len(choices))]

    def text(self) -> str:
        """One of those that hurt, or what stands there up to a zero; half a surrogate pair too, as JSON may have it."""
        kind = self.number(4)
        if kind == 0:
            return self.pick(HOSTILE)
        rest = self._data[self._at : self._at + 200]
        word = rest.partition(b"\0")[0]
        self._at += len(word) + 1
        return word.decode("utf-8", "surrogateescape" if kind == 1 else "replace")

    def value(self) -> int | float | str | None:
        """What a sample may hold."""
        kind = self.number(6)
        if kind == 0:
            return None
        if kind == 1:
            return self.text()
        if kind == 2:
            return self.pick(NUMBERS)
        if kind == 3:
            found: float = struct.unpack("<d", self.bytes(8))[0]
            return found
        return self.number(2**32) - 2**31 if kind == 4 else self.number(1000) / 8
