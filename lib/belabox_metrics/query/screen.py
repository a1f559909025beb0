"""The terminal that is written to: how wide, how high, which characters and colours it has."""

from __future__ import annotations

import os
import shutil
import sys

from ..printable import printable
from ..terminal import columns, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CURVE, _PLAIN = "\x1b[36m", "\x1b[0m"
NARROWEST = 20


class Screen:
    """`unicode`: whether more than ASCII can be shown. `coloured`: whether anything but characters may be written.

    A screen that is none, a pipe, is 80 by 24."""

    def __init__(self, width: int, height: int, *, unicode: bool, coloured: bool) -> None:
        self.width = max(width, NARROWEST)
        self.height = height
        self.unicode = unicode
        self.coloured = coloured

    def fit(self, text: str) -> str:
        """`text` with nothing in it that a terminal would act on or could not show."""
        shown = printable(text, None)
        if self.unicode:
            return shown
        return shown.replace("°", "").encode("ascii", "backslashreplace").decode("ascii")

    def cut(self, text: str, width: int) -> str:
        """`text` in at most `width` columns. What tells series apart is mostly at both ends, so the middle is left
        out."""
        if columns(text) <= width:
            return text
        dots = "…" if self.unicode else ".."
        room = max(width - len(dots), 0)
        return _beginning(text, room - room // 2) + dots + _beginning(text[::-1], room // 2)[::-1]

    def pad(self, text: str, width: int, *, right: bool = False) -> str:
        """Blanks behind `text`, or in front of it, up to `width` columns."""
        blanks = " " * (width - columns(text))
        return blanks + text if right else text + blanks

    def curve(self, text: str) -> str:
        """In the colour of what is plotted."""
        return f"{_CURVE}{text}{_PLAIN}" if self.coloured and text.strip() else text


def _beginning(text: str, width: int) -> str:
    found = start(text, width)
    return found if columns(found) <= width else ""


def of_stdout(environment: Mapping[str, str] = os.environ) -> Screen:
    """What stdout is. See no-color.org for NO_COLOR."""
    width, height = shutil.get_terminal_size()
    terminal = sys.stdout.isatty()
    kind = environment.get("TERM", "")
    coloured = terminal and not environment.get("NO_COLOR") and kind not in ("", "dumb")
    return Screen(width, height, unicode=_has_unicode(environment, kind if terminal else ""), coloured=coloured)


def _has_unicode(environment: Mapping[str, str], kind: str) -> bool:
    """By the locale, since Python calls the C locale UTF-8 too. The kernel's own console has a font of 512 characters,
    and those of the plots are not among them."""
    named = (environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, named), "").lower()
    return "utf" in locale and "utf" in (sys.stdout.encoding or "").lower() and kind not in ("linux", "dumb")
