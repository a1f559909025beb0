"""Cells of the database that hold what nobody has stored there, as the head of a row that is damaged makes them: of
another kind, gone, no text. SQLite finds nothing wrong with the file, and the jobs have to live with it.

What must hold: a job that such a value ends, in a sentence or in a traceback, does its work after `recover` has looked.
"""

from __future__ import annotations

import gc
import io
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, suppress
from functools import cache
from pathlib import Path
from unittest import mock

from tests.odd_cells import columns, loose, put

from belabox_metrics import collect, recover, suspicion
from belabox_metrics.errors import Problem
from belabox_metrics.maintain import runner
from belabox_metrics.store.database import DatabaseError, Store, problem

from .database import close, is_told
from .draw import Draw
from .target import FIXTURES, Target, scratch

BOX = str(FIXTURES / "orangepi5plus")
METRICS = ("cpu.usage", "disk.io", "memory.usage")
MOST_CELLS = 3
ROWS = 8
# Numbers of the right kind that no counter reaches are told as what they are: that its sum is no integer.
VALUES: tuple[object, ...] = (None, b"\xff\0", b"", 7, -1, 2**31, 0.5, 1e300, "", "x", "[1]", "{}")


class Whole:
    """`content`: a database that some jobs have used. `cells`: (table, column)."""

    def __init__(self, content: bytes, cells: list[tuple[str, str]]) -> None:
        self.content = content
        self.cells = cells


@cache
def whole() -> Whole:
    folder = Path(scratch()) / "used"
    folder.mkdir()
    path = folder / "metrics.db"
    with _on(path):
        for metric in METRICS * 2:
            assert collect.main([metric, "--root", BOX]) == 0
        assert runner.main([]) == 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    return Whole(path.read_bytes(), columns(path))


def cells(data: bytes) -> None:
    draw = Draw(data)
    folder = Path(scratch()) / "box"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "metrics.db"
    path.write_bytes(whole().content)
    with loose(path) as connection:
        for _ in range(MOST_CELLS):
            if draw.more():
                _put(connection, draw)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    with _on(path):
        with suppress(Exception):
            _jobs()
        suspicion.suspect()
        _recover(path)
        codes = _jobs()
    assert not any(codes), codes


def _put(connection: sqlite3.Connection, draw: Draw) -> None:
    table, column = draw.pick(whole().cells)
    value = draw.pick(VALUES)
    if draw.number(4) == 0:
        value = draw.text().encode("utf-8", "surrogateescape")
    as_text = bool(draw.number(2) and isinstance(value, bytes))
    put(connection, table, column, draw.number(ROWS), value, as_text=as_text)


def _recover(path: Path) -> None:
    store = Store(str(path), wait_s=1)
    try:
        recover.recover(store)
    except (DatabaseError, Problem) as refused:
        is_told(problem(refused, str(path)))
    finally:
        close(store)


def _jobs() -> list[int]:
    """What they leave with, in turn; what ends one ends this."""
    return [*[collect.main([metric, "--root", BOX]) for metric in METRICS], runner.main([])]


@contextmanager
def _on(path: Path) -> Iterator[None]:
    """The jobs of this process are those of a box whose database that is; what they say, nobody hears."""
    variables = {
        "BELABOX_METRICS_CONFIG": str(FIXTURES.parents[1] / "configs/config.yaml"),
        "BELABOX_METRICS_DATABASE": str(path),
        "BELABOX_METRICS_RECOVER": str(path.parent / "wanted"),
        "BELABOX_METRICS_RUN": str(path.parent),
    }
    with mock.patch.dict(os.environ, variables), redirect_stderr(io.StringIO()):
        yield
    # Nobody has closed what they opened: they would have left by now.
    gc.collect()


def _examples() -> list[Path | str | bytes]:
    """A value that it never has in one cell of five: the tests try them all, and a box is a tenth of a second."""
    return [bytes([at, 1, 1, 0, 0]) for at in range(0, len(whole().cells), 5)]


TARGETS = [Target("cells", cells, _examples())]
