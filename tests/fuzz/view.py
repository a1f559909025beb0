"""What shows a database: each kind of document stays whole, whatever is stored."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from unittest import mock

from belabox_metrics import clock, sessions
from belabox_metrics.errors import Problem
from belabox_metrics.export.command import FORMATS, export
from belabox_metrics.export.stored import Stored, Wanted
from belabox_metrics.exposition.page import Page
from belabox_metrics.health import access, request
from belabox_metrics.health.answer import Answer
from belabox_metrics.health.responder import Responder
from belabox_metrics.query import command as query
from belabox_metrics.report import report
from belabox_metrics.report.document import html
from belabox_metrics.report.words import words
from belabox_metrics.schedule.manager import Manager
from belabox_metrics.status import screen as status_screen
from belabox_metrics.status.reading import Reading, document
from belabox_metrics.store.database import DatabaseError, Store
from belabox_metrics.terminal import Terminal
from belabox_metrics.upload.correction import Correction

from .draw import Draw
from .stored import NAMES, filled, seeds
from .target import Target

# ---- /metrics ----

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"({_NAME})(\{{{_LABEL}(?:,{_LABEL})*\}})? (\S+)")
_HEAD = re.compile(rf"# (HELP|TYPE) ({_NAME}) ((?:[^\\]|\\[\\n])*)")
_KINDS = ("counter", "gauge", "summary", "histogram", "untyped")


def exposed(text: str) -> dict[str, float]:
    """What Prometheus would read: each line is one of the format, each family stands together, no series twice."""
    assert text.endswith("\n")
    found: dict[str, float] = {}
    begun: list[str] = []
    told: set[tuple[str, str]] = set()
    for line in text[:-1].split("\n"):
        head = _HEAD.fullmatch(line)
        if head:
            kind, name, rest = head.groups()
            assert (kind, name) not in told, f"told twice: {line!r}"
            told.add((kind, name))
            assert kind == "HELP" or rest in _KINDS, line
            if begun[-1:] != [name]:
                assert name not in begun, f"a family in two places: {name}"
                begun.append(name)
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample, f"no line of the format: {line!r}"
        name, labels, value = sample.groups()
        assert begun[-1] == name, f"outside of its family: {line!r}"
        assert name + (labels or "") not in found, f"twice: {line!r}"
        keys = re.findall(_LABEL, labels or "")
        names = [key.partition("=")[0] for key in keys]
        assert len(names) == len(set(names)), f"a label twice: {line!r}"
        found[name + (labels or "")] = float(value)
    return found


def exposition(data: bytes) -> None:
    found = exposed(Page(filled(Draw(data))).text(clock.now()))
    assert sum(name.startswith("belabox_status{") for name in found) == 3
    assert all(abs(value) < float("inf") for value in found.values())


# ---- pages ----

_VOID = {"meta", "link", "br", "hr", "img", "input"}
_RUNS = ("script", "style")


class Markup(HTMLParser):
    """Every element that is opened is closed, in its order; nothing runs but what the page brings along."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.runs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {self.get_starttag_text()!r}"
        for name, value in attrs:
            assert re.fullmatch(r"[a-z][a-zA-Z0-9-]*", name), f"attribute {name!r}"
            assert not name.startswith("on"), f"attribute {name!r}"
            if name in ("href", "src", "action"):
                assert (value or "").startswith(("/", "#", "data:text/csv;", "data:image/svg+xml,")), value
            assert _is_seen(value or ""), f"{value!r} in {tag}"
        if tag in _RUNS:
            self.runs.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is not the one to be closed"

    def handle_data(self, data: str) -> None:
        assert _is_seen(data), repr(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data!r}")


def _is_seen(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def marked_up(text: str, runs: list[str]) -> None:
    text.encode("utf-8")
    parser = Markup()
    parser.feed(text)
    parser.close()
    assert parser.open == [], f"left open: {parser.open}"
    assert parser.runs == runs, parser.runs


def page(data: bytes) -> None:
    """The page at /, by the door that a browser takes: it is 200 and no bug, whatever is stored."""
    answer = _answer(filled(Draw(data)), "/")
    assert answer.status == 200, answer.body[:300]
    marked_up(answer.body.decode(), ["style", "script"])


def reported(data: bytes) -> None:
    """A stream, explained: as a page and in words."""
    found = filled(Draw(data))
    with _read(found) as connection:
        made = report.report(connection, report.chosen(connection, ""), time.time_ns() // 1_000_000)
        marked_up(html(made, home="/"), ["style"])
        assert _is_seen(words(made))
        json.dumps(report.document(made))


def _answer(store: Store, path: str) -> Answer:
    asked = request.Request("GET", path, [], 0)
    bugs: list[BaseException] = []
    with mock.patch.object(sys, "excepthook", lambda _kind, bug, _trace: bugs.append(bug)):
        answer = Responder(store, access.Access([], "")).answer(asked)
    if bugs:
        raise bugs[0]
    return answer


PATHS = ("/", "/metrics", "/health", "/health/ready", "/report/", "/report/0f96", "/report/x")


def answered(data: bytes) -> None:
    """Any path, of the four that there are and of none: an answer that HTTP knows, and no bug."""
    draw = Draw(data)
    path = draw.pick((*PATHS, draw.text()))
    answer = _answer(filled(draw), path)
    head = answer.head()
    lines = head.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert b"\n" not in b"".join(lines)
    assert all(re.fullmatch(rb"[A-Za-z-]+: [ -~]*", line) for line in lines[1:-2]), head
    assert f"Content-Length: {len(answer.body)}".encode() in lines
    if b"application/json" in head:
        json.loads(answer.body, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@contextlib.contextmanager
def _read(store: Store) -> Iterator[sqlite3.Connection]:
    """A connection, and what those who show it take for an answer too: that the database is damaged, or has nothing."""
    connection = store.reading()
    try:
        with contextlib.suppress(Problem, DatabaseError):
            yield connection
    finally:
        connection.close()


# ---- files ----


def exported(data: bytes) -> None:
    """What is written is read back as what is stored, by whoever reads such a file: each number, each text, once."""
    found = filled(Draw(data))
    written: dict[str, bytes] = {}
    with _read(found) as connection:
        for form in FORMATS:
            parts: list[bytes] = []
            stored = Stored(connection, Correction(connection, clock.now()), Wanted())
            export(connection, stored, form, parts.append)
            written[form] = b"".join(parts)
    if len(written) < len(FORMATS):
        return
    with contextlib.closing(found.reading()) as connection:
        stored = Stored(connection, Correction(connection, clock.now()), Wanted())
        numbers, texts, steps = 0, 0, 0
        for one in stored.pages():
            numbers += sum(len(run.numbers) for run in one.runs)
            texts += sum(len(run.texts) for run in one.runs)
            steps += sum(len(step.cells) for step in one.steps)
    _judge_table(written["csv"], numbers + texts + steps)
    _judge_lines(written["jsonl"], numbers, texts, steps)


def _judge_table(content: bytes, rows: int) -> None:
    table = list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))
    assert len(table) == rows, f"{len(table)} rows of {rows}"
    for row in table:
        assert None not in row, "more fields than columns"
        assert not any(value is None for value in row.values()), "fewer fields than columns"
        for field in row.values():
            assert "\n" not in field
            assert "\r" not in field
            # What a spreadsheet takes for a formula; a number may begin so.
            assert not field.startswith(("=", "@", "\t", "+")), field
            assert field[:1] != "-" or float(field) <= 0, field
        if row["value"]:
            float(row["value"])
        if row["text"]:
            assert isinstance(json.loads(row["text"]), str)


def _judge_lines(content: bytes, numbers: int, texts: int, steps: int) -> None:
    told = {"values": 0, "texts": 0, "step_ms": 0}
    for line in content.decode().split("\n")[:-1]:
        document = json.loads(line, parse_constant=_refuse)
        kind = "step_ms" if "step_ms" in document else "texts" if "texts" in document else "values"
        column = document["texts" if "texts" in document else "values"]
        assert len(column) == len(document["timestamps"])
        assert all(isinstance(key, str) and isinstance(value, str) for key, value in document["metric"].items())
        told[kind] += len(column)
    assert told["texts"] == texts
    # What no double holds is left out, as of what is sent.
    assert told["values"] <= numbers
    assert told["step_ms"] <= steps


# ---- a terminal ----

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def shown(text: str, width: int | None) -> None:
    """Nothing that a terminal acts on but colours of our own."""
    plain = _COLOUR.sub("", text)
    assert _is_seen(plain), repr(plain)
    assert width is None or text.count("\x1b[") % 2 == 0


def queried(data: bytes) -> None:
    """`query` and `sessions` at a terminal."""
    draw = Draw(data)
    options = [draw.pick(NAMES), draw.pick(("--since=1h", "--since=1d", "--samples", "--json", "--all"))]
    found = filled(draw)
    for main, arguments in ((query.main, options), (sessions.main, [])):
        said, complaints = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complaints):
            main([*arguments, "--database", found.path])
        # JSON is not for the eyes: half a surrogate pair stands there as JSON spells it.
        said.getvalue().encode("utf-8")
        shown(said.getvalue(), None)
        shown(complaints.getvalue(), None)


def status(data: bytes) -> None:
    """`status` at terminals of several widths, and as JSON."""
    draw = Draw(data)
    width = draw.pick((None, 20, 40, 80, 200))
    found = filled(draw)
    with contextlib.suppress(Problem, DatabaseError):
        reading = Reading(found, clock.now(), Manager("/nonexistent"))
        terminal = Terminal(width, coloured=draw.number(2) == 1, unicode=draw.number(2) == 1)
        text = "\n".join(status_screen.lines(reading, terminal))
        shown(text, width)
        if not terminal.unicode:
            assert text.isascii()
        json.dumps(document(reading))


TARGETS = [
    Target(name, parse, seeds())
    for name, parse in (
        ("view.metrics", exposition),
        ("view.page", page),
        ("view.report", reported),
        ("view.answer", answered),
        ("view.export", exported),
        ("view.query", queried),
        ("view.status", status),
    )
]
