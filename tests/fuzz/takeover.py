"""Databases of the Go system, as it, a person and a failing card may leave them.

What must hold: a collection stores its sample at once, or says in one sentence why not; what can be read of the other
one's rows is here, each number with its time and once; as long as anything of it is not, its file stays. And it ends.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import time
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from unittest import mock

from belabox_metrics import journal
from belabox_metrics.clock import Moment
from belabox_metrics.errors import Problem
from belabox_metrics.sample import Sample
from belabox_metrics.store import importer, runs
from belabox_metrics.store.database import Store
from belabox_metrics.store.takeover import resume
from belabox_metrics.store.takeover.series import Spelling

from .database import close, is_told, turned
from .draw import Draw
from .target import FIXTURES, Target, scratch

DATABASES = FIXTURES / "databases"
SCRIPTS = ("go-v1.sql", "go-v2.sql")
# Of a row, in the order of the table of the second milestone.
COLUMNS = (
    *("timestamp_ms", "metric_name", "metric_value", "value_text", "value_type", "tags", "session_id", "device_id"),
    *("uploaded", "priority"),
)
INSERT = f"INSERT INTO metrics ({', '.join(COLUMNS)}, dedup_key) VALUES ({'?, ' * len(COLUMNS)}?)"
BEGIN_MS = 1_760_191_210_000
NAMES = ("cpu.usage", "cpu.temperature", "srt.rtt_ms")
TAGS = ('{"core":"0"}', '{"b":"2","a":1.5}', "{", "[]", "null", '{"a":null,"b":true,"c":{"d":[]}}', '"text"', "")
MOST_ROWS = 40


def _folder() -> Path:
    folder = Path(scratch()) / "go"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@cache
def _script(name: str) -> bytes:
    """The file that the statements of a fixture make."""
    path = Path(scratch()) / f"{name}.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATABASES / name).read_text())
    return path.read_bytes()


@cache
def _empty() -> bytes:
    path = Path(scratch()) / "empty.db"
    path.write_bytes(_script("go-v2.sql"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("DELETE FROM metrics; DELETE FROM sessions; VACUUM")
    return path.read_bytes()


def _taken_over(path: Path) -> Store | None:
    """As a collection and the job after it do it; None where that was refused in words."""
    environment = {"BELABOX_METRICS_RECOVER": str(path.parent / "wanted"), "BELABOX_METRICS_CONFIG": "/nonexistent"}
    store = Store(str(path), wait_s=1)
    with mock.patch.dict(os.environ, environment), mock.patch.object(journal, "record"):
        try:
            with store.writing() as connection:
                moment = Moment(BEGIN_MS + 10**10, 5000, "boot", True)
                runs.add(connection, runs.Run("collect", moment, metric="n", samples=[Sample("n", 1)]))
            if resume.is_waiting(store):
                resume.resume(store, time.monotonic() + 60)
        except Problem as refused:
            is_told(refused)
            close(store)
            return None
    return store


# ---- rows ----


def _text(draw: Draw) -> str | bytes | int | None:
    kind = draw.number(4)
    return None if kind == 0 else draw.text().encode("utf-8", "replace") if kind == 1 else draw.text()


def _row(draw: Draw, at: int) -> tuple[object, ...]:
    """One of theirs, of which some columns may hold anything that SQLite takes."""
    row: list[object] = [
        *(BEGIN_MS + at * 1000, draw.pick(NAMES), at / 4, None, 0, '{"core":"0"}', "s-1", "box-go", at % 2, 2),
    ]
    for _ in range(draw.number(4)):
        place = draw.number(len(row))
        what = draw.number(4)
        if place == 5 and what == 0:
            row[place] = draw.pick(TAGS)
        elif what == 1:
            row[place] = draw.value()
        elif what == 2 and place == 0:
            row[place] = BEGIN_MS + draw.number(4)
        else:
            row[place] = _text(draw)
    return tuple(row)


def rows(data: bytes) -> None:
    """Whatever stands in the rows: each that is a number of a series, at a time, is here, and no other."""
    draw = Draw(data)
    path = _folder() / "metrics.db"
    path.write_bytes(_empty())
    wanted = set()
    count = 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for at in range(MOST_ROWS):
            if not draw.more():
                break
            row = _row(draw, at)
            try:
                connection.execute(INSERT, (*row, str(at)))
            except (sqlite3.Error, OverflowError, UnicodeEncodeError):
                continue
            count += 1
        connection.commit()
        query = "SELECT timestamp_ms, metric_name, metric_value FROM metrics WHERE typeof(timestamp_ms) = 'integer'"
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        for at_ms, name, value in connection.execute(
            query + " AND typeof(metric_name) = 'text' AND metric_name <> '' AND value_text IS NULL"
            " AND typeof(metric_value) IN ('integer', 'real') AND timestamp_ms BETWEEN 0 AND 1800000000000"
        ):
            if math.isfinite(value):
                wanted.add((at_ms, name, value))
    store = _taken_over(path)
    assert store is not None, "refused"
    try:
        found = store.connection().execute("SELECT timestamp_ms, metric_name, metric_value FROM metrics").fetchall()
        state = importer.standing(store.connection())
    finally:
        close(store)
    assert state is not None
    assert state.done
    here = [row for row in found if row[1] != "n"]
    # The same series twice at one time is one, whatever its second value is.
    missing = {row[:2] for row in wanted} - {row[:2] for row in here}
    assert not missing, f"missing: {sorted(missing)[:3]}"
    assert state.rows <= count <= state.rows + state.left, (state.rows, state.left, count)
    kept = list(path.parent.glob("metrics.db.go-v2*"))
    assert bool(kept) or not state.left, "rows were left behind, and their file is gone"


def layouts(data: bytes) -> None:
    """A table of that name with any columns, as an older or a newer one of theirs, or of a person: taken over, or
    refused and left as it is."""
    draw = Draw(data)
    path = _folder() / "metrics.db"
    columns = []
    for name in ("id", "timestamp", *COLUMNS[:4], "tags", "uploaded", "device_id"):
        kind = draw.pick(("INTEGER", "TEXT", "REAL", "BLOB", "", "INTEGER PRIMARY KEY", "AS (1)", None, "NOT NULL"))
        if kind is not None:
            columns.append(f"{name} {kind}")
    if draw.number(3) == 0:
        columns.append(f'"{draw.text()}" TEXT'.replace("\0", ""))
    tail = draw.pick(("", "", "", " WITHOUT ROWID", " STRICT"))
    with closing(sqlite3.connect(path)) as connection:
        try:
            connection.execute(f"CREATE TABLE metrics ({', '.join(columns)}){tail}")
            names = [row[1] for row in connection.execute("PRAGMA table_info(metrics)")]
            marks = ", ".join("?" * len(names))
            for at in range(draw.number(6)):
                values = [draw.pick((at, BEGIN_MS + at, f"n{at}", None, draw.value())) for _ in names]
                with suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
                    connection.execute(f"INSERT INTO metrics VALUES ({marks})", values)
            if draw.number(4) == 0:
                connection.execute("CREATE VIEW sessions AS SELECT 1 AS id")
            connection.commit()
        except (sqlite3.Error, UnicodeEncodeError):
            return
    content = path.read_bytes()
    store = _taken_over(path)
    if store is None:
        files = [file for file in path.parent.glob("metrics.db*") if file.read_bytes()[96:] == content[96:]]
        assert files, "refused, and not as it was"
    else:
        close(store)


def damaged(data: bytes) -> None:
    """Bits of the file turned: what is left of it is here, or its file is."""
    draw = Draw(data)
    path = _folder() / "metrics.db"
    whole = _script(draw.pick(SCRIPTS))
    path.write_bytes(turned(draw, {"": whole, "-wal": b"", "-shm": b""})[""])
    store = _taken_over(path)
    if store is None:
        return
    try:
        state = importer.standing(store.connection())
        said = store.connection().execute("PRAGMA quick_check(1)").fetchone()[0]
        here = store.connection().execute("SELECT count(*) FROM metrics WHERE metric_name <> 'n'").fetchone()[0]
    finally:
        close(store)
    assert said == "ok"
    kept = list(path.parent.glob("metrics.db.go-v*"))
    if path.parent.joinpath("metrics.db").stat().st_size and state is not None and not kept:
        assert not state.left
        assert here, "all of it is gone"


# ---- its parts ----


def spelled(data: bytes) -> None:
    """Tags of any text become an object of texts, the same for the same, that is JSON and nothing but ASCII."""
    text, _, device = data.decode("utf-8", "surrogateescape").partition("\0")
    spelling = Spelling("box")
    found = spelling.tags(text, device)
    assert found == spelling.tags(text, device) == Spelling("box").tags(text, device)
    assert found.isascii()
    tags = json.loads(found or "{}")
    assert all(isinstance(value, str) for value in tags.values())
    assert device in ("", "box") or "device_id" in tags


def _rows() -> list[Path | str | bytes]:
    found: list[Path | str | bytes] = [b"", bytes(200)]
    for place in range(10):
        for what in range(4):
            found.append(bytes([0, 1, place, what, place, what, 1, 7]) * 4)
    return found


def _patches() -> list[Path | str | bytes]:
    patches: list[Path | str | bytes] = [b"", b"\1"]
    for script in range(2):
        for where in range(3):
            for what in range(7):
                patches.append(bytes([script, 0, 40 * what + 8, 7 * what, where, what, 3, 1, 2, 3, 9]))
    return patches


TARGETS = [
    Target("takeover.rows", rows, _rows()),
    Target("takeover.layout", layouts, [bytes(20), bytes([5, 0, 0, 1, 2, 1, 1, 0, 1, 1, 0, 5, 1, 2, 2, 1, 1])]),
    Target("takeover.damaged", damaged, _patches()),
    Target("takeover.series", spelled, [*TAGS, '{"core":"0"}\0other']),
]
