"""What a command takes its terminal for."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator

import pytest

from belabox_metrics import journal, terminal
from belabox_metrics.errors import Problem
from belabox_metrics.terminal import BAD, Terminal, columns


@contextlib.contextmanager
def screen(width: int) -> Iterator[io.TextIOWrapper]:
    """The end of a terminal of `width` columns that a program has."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    try:
        with open(theirs, "w", encoding="utf-8") as stream:
            yield stream
    finally:
        os.close(ours)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colour_where_it_is_wanted(environment: dict[str, str], coloured: bool) -> None:
    with screen(80) as stream:
        assert terminal.of(stream, environment).coloured is coloured


@pytest.mark.parametrize(
    ("width", "told", "expected"),
    [(132, "", 132), (132, "40", 40), (132, "wide", 132), (132, "0", 132), (132, "9" * 50, 999_999), (0, "", 80)],
)
def test_width(width: int, told: str, expected: int) -> None:
    with screen(width) as stream:
        assert terminal.of(stream, {"TERM": "xterm", "COLUMNS": told}).width == expected


def test_a_file_gets_whole_lines_without_colour() -> None:
    found = terminal.of(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), {"TERM": "xterm", "COLUMNS": "40"})
    assert found.fit("x" * 500) == "x" * 500
    assert found.paint("x", BAD) == "x"
    assert found.wrapped("word " * 100, "> ") == ["> " + "word " * 100]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("twenty columns are ok", "twenty columns are…"),
        ("twenty columns is ok", "twenty columns is ok"),
        ("\u4e2d\u6587" * 6, "\u4e2d\u6587" * 4 + "\u4e2d…"),
        ("e\u0301" * 20, "e\u0301" * 20),
        ("\x1b[31mred", "\\x1b[31mred"),
    ],
)
def test_a_line_is_cut_by_columns(text: str, shown: str) -> None:
    assert Terminal(20).fit(text) == shown


def test_ascii_where_there_is_nothing_else() -> None:
    assert Terminal(20, unicode=False).fit("47 °C " + "x" * 30) == "47 C " + "x" * 12 + "..."


@pytest.mark.parametrize("text", ["", "word " * 30, "x" * 100, "\u4e2d" * 50, "a " + "b" * 45 + " c"])
def test_wrapping_loses_nothing(text: str) -> None:
    lines = Terminal(24).wrapped(text, "  ")
    assert max(map(columns, lines)) <= 24
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_at_a_terminal_a_record_is_a_sentence_and_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    ours, theirs = pty.openpty()
    try:
        with open(theirs, "w", encoding="utf-8") as stream:
            monkeypatch.setattr("sys.stderr", stream)
            journal.record("1 sample sent\x1b[2J", job="upload", count=1)
            journal.failure(Problem("said \x07"), job="upload")
            stream.flush()
            shown = ""
            # A terminal gives what has come so far.
            while shown.count("\n") < 2:
                shown += os.read(ours, 4096).decode()
    finally:
        os.close(ours)
    assert shown.splitlines() == ["1 sample sent\\x1b[2J", "belabox-metrics upload: said \\x07"]
