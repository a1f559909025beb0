"""What a person is shown, of any text and any number, and what is chosen by a person's patterns."""

from __future__ import annotations

import html
import io
import re
import sys
from contextlib import suppress
from unittest import mock

from belabox_metrics import quantity
from belabox_metrics.errors import ConfigProblem
from belabox_metrics.markup import escaped
from belabox_metrics.printable import printable
from belabox_metrics.progress import BAR, Progress
from belabox_metrics.selection import Selection
from belabox_metrics.terminal import NARROWEST, Terminal, columns

from .draw import NUMBERS, Draw
from .target import Target, text_of

UNITS = ("_bytes", "_kbps", "_ms", "_seconds", "_percent", "_bytes_total", "", "_hertz", "_mbps", "_fps")
# Of names, and of what a person writes for them; a regular expression that takes for ever is that person's own.
NAMES = ("eth0", "wlan0", "usb1", "lo", "br-ab", "mmcblk0", "sda", "sda1", "")
PATTERNS = ("eth.*", "lo", "(usb|wwan)[0-9]+", "", ".*", "[", "(?i)ETH0", "(", "\\", "a{99999999999}", "(?P<a>x)(?P=a)")


def text(data: bytes) -> None:
    """On a terminal of any width: one line of characters, no wider; between tags: nothing but text."""
    draw = Draw(data)
    width, limit, narrow = draw.number(256), draw.number(64), draw.number(2)
    given = text_of(data[3:])
    # As JSON brings them.
    for said in (given, given.replace("x", "\ud800")):
        assert printable(said).isprintable()
        shown = printable(said, limit)
        assert shown.isprintable()
        assert printable("ok", None) == "ok"
        terminal = Terminal(width, unicode=not narrow, coloured=False)
        fitted = terminal.fit(said)
        assert fitted.isprintable()
        assert columns(fitted) <= max(width, NARROWEST)
        assert not narrow or fitted.isascii()
        for line in terminal.wrapped(said, "  "):
            assert line.isprintable()
            assert columns(line) <= max(width, NARROWEST)
        marked = escaped(said, limit)
        assert not set("<>\"'") & set(marked)
        whole = escaped(said)
        assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt|quot|#39);)*", whole, re.DOTALL)
        seen = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in said)
        # An escape of a browser's own can't come out of it, so what it reads is what was written.
        assert html.unescape(whole) == seen
        whole.encode("utf-8")


def number(data: bytes) -> None:
    """Any number of any series in a few characters."""
    draw = Draw(data)
    value = draw.value()
    name = f"a.b{draw.pick(UNITS)}"
    for one in (value, draw.pick(NUMBERS)):
        said = quantity.shown(name, one)
        assert isinstance(one, (str, type(None))) or (said.isprintable() and len(said) < 40), said


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(data: bytes) -> None:
    """However far it goes, also back: one line that is never longer than its bar and its words, and gone at the end."""
    draw = Draw(data)
    steps = draw.pick((0, 1, 2, 7, 1000, 1001, 2**40))
    screen = _Screen()
    with mock.patch.object(sys, "stderr", screen):
        bar = Progress(steps, draw.number(4) > 0)
        while draw.more():
            bar.step() if draw.number(2) else bar.reach(draw.pick((0, 1, -1, steps, steps + 1, 2**70)))
        bar.end()
        bar.end()
    said = screen.getvalue()
    for line in said.split("\r")[1:]:
        assert re.fullmatch(rf"\[#{{0,{BAR}}} *\] [0-9]+ (%|of [0-9]+)|\x1b\[K", line), repr(line)
        assert len(line) < BAR + 20
    assert not said or said.endswith("\r\x1b[K")


def selection(data: bytes) -> None:
    """What was decided is decided the same the next time, by whatever memory there is of it."""
    draw = Draw(data)
    patterns = [draw.pick((*PATTERNS, draw.text()[:8])) for _ in range(draw.number(4))]
    include, exclude = patterns[::2], patterns[1::2]
    names = [draw.pick((*NAMES, draw.text()[:12])) for _ in range(1 + draw.number(5))]
    memo = draw.text()
    with suppress(ConfigProblem):
        first = Selection(include, exclude)
        taken = [first.takes(name) for name in names]
        again = Selection(include, exclude, first.remember())
        assert [again.takes(name) for name in names] == taken
        other = Selection(["(never)"], [], first.remember())
        assert not any(other.takes(name) for name in names)
        Selection(include, exclude, memo).remember()
        assert "\n" not in first.remember() or any("\n" in name for name in names)


TARGETS = [
    Target(
        "shown.text",
        text,
        ["   plain", "P\1\0a<b>&\"'\x1b[31m\u202e界é́x", "\x14\5\1a long sentence of many words " * 9],
    ),
    Target("shown.number", number, [bytes([2, at, at % 10, at]) for at in range(20)]),
    Target("shown.progress", progress, [b"", b"\3\1\1\1\0\3", b"\6\1\0\3\0\4\0\5"]),
    Target("shown.selection", selection, [bytes([3, 0, 1, 2, 4, 0, 1, 2, 3, 4]), b"\1\5\1\2"]),
]
