"""What the commands write to: how wide it is, which colours and characters it takes.

A pipe or a file gets whole lines without colour, since what reads them may look for any part of them.
"""

from __future__ import annotations

import os
import sys
import unicodedata

from .printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

# Columns. Where less is said to be there, it is a mistake.
NARROWEST = 20
USUAL = 80

# Select Graphic Rendition of ECMA-48: the eight colours that every theme has made readable on its own background.
GOOD, DOUBTFUL, BAD, QUIET, BOLD = "32", "33", "31", "2", "1"


class Terminal:
    """`width` in columns, None where lines may be of any length. `coloured`: whether anything but text may be written.
    `unicode`: whether more than ASCII can be shown."""

    def __init__(self, width: int | None, *, coloured: bool = False, unicode: bool = True) -> None:
        self.width = None if width is None else max(width, NARROWEST)
        self.coloured = coloured
        self.unicode = unicode

    def fit(self, text: str) -> str:
        """`text` as one line that does nothing to the terminal, cut where it ends."""
        shown = printable(text, None)
        if not self.unicode:
            shown = shown.replace("°", "").encode("ascii", "backslashreplace").decode("ascii")
        if self.width is None or columns(shown) <= self.width:
            return shown
        dots = "…" if self.unicode else "..."
        return start(shown, self.width - columns(dots)).rstrip() + dots

    def wrapped(self, text: str, indent: str) -> list[str]:
        """The words of `text` in lines behind `indent`. A word that is too long for one is cut into several."""
        shown = Terminal(None, unicode=self.unicode).fit(text)
        if self.width is None:
            return [indent + shown]
        room = max(self.width - columns(indent), NARROWEST // 2)
        lines = [""]
        for word in shown.split():
            if lines[-1] and columns(lines[-1]) + 1 + columns(word) > room:
                lines.append("")
            lines[-1] += f" {word}" if lines[-1] else word
            while columns(lines[-1]) > room:
                head = start(lines[-1], room)
                lines[-1:] = [head, lines[-1][len(head) :]]
        return [indent + line for line in lines]

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.coloured and colour and text else text


def of(stream: TextIO | None = None, environment: Mapping[str, str] | None = None) -> Terminal:
    """What `stream` is, stdout unless named. See no-color.org for NO_COLOR."""
    stream = stream or sys.stdout
    environment = os.environ if environment is None else environment
    unicode = "utf" in (stream.encoding or "").lower()
    if not stream.isatty():
        return Terminal(None, unicode=unicode)
    kind = environment.get("TERM", "")
    coloured = kind not in ("", "dumb") and not environment.get("NO_COLOR")
    return Terminal(_width(stream, environment), coloured=coloured, unicode=unicode)


def _width(stream: TextIO, environment: Mapping[str, str]) -> int:
    told = environment.get("COLUMNS", "")
    if told.isascii() and told.isdecimal() and int(told[:6]) > 0:
        return int(told[:6])
    try:
        # A serial line says 0.
        return os.get_terminal_size(stream.fileno()).columns or USUAL
    except (OSError, ValueError):
        return USUAL


def columns(text: str) -> int:
    """How many columns `text` takes: Chinese two for each character, an accent on the letter before it none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def start(text: str, room: int) -> str:
    """As much of the beginning of `text` as `room` columns hold, one character at least."""
    taken = 0
    for at, char in enumerate(text):
        taken += _columns(char)
        if taken > room and at:
            return text[:at]
    return text


def padded(text: str, room: int) -> str:
    """`text` and blanks up to `room` columns."""
    return text + " " * (room - columns(text))


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
