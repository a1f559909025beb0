"""A folder with a database of the Go system where ours belongs, and what a person would ask of both."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from belabox_metrics.store.database import Store
from belabox_metrics.store.importer import Import
from belabox_metrics.store.takeover import resume

ROOT = Path(__file__).parents[3]
DATABASES = ROOT / "tests/fixtures/databases"
PYTHON = ["/usr/bin/python3", "-I", "-S"]

Row = tuple[object, ...]
ROWS = "timestamp_ms, metric_name, metric_value, value_text, value_type, tags, session_id, priority"


class Box:
    """`path`: where the database belongs. `rows`, `series`: of whichever database is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "metrics.db"
        self.store = Store(str(self.path))

    def go(self, script: str, *more: str) -> Box:
        """A database of the Go system, of one of the fixtures, and what the statements `more` make of it."""
        connection = sqlite3.connect(self.path)
        connection.executescript("PRAGMA journal_mode=WAL;" + (DATABASES / script).read_text())
        for statement in more:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return self

    def collect(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PYTHON, str(ROOT / "jobs/collect.py"), "memory.usage", "--database", str(self.path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def take_over(self, seconds: float = 60) -> Import:
        """What a collection and the import after it do, in this process."""
        self.store.connection()
        return resume.resume(self.store, time.monotonic() + seconds)

    def sql(self, query: str, *values: object) -> list[Row]:
        connection = sqlite3.connect(self.path)
        found = connection.execute(query, values).fetchall()
        connection.close()
        return found

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("metrics.db.go-*"))


def rows(connection: sqlite3.Connection, query: str) -> Counter[Row]:
    """Every row as often as it is there, its tags as an object."""
    found: Counter[Row] = Counter()
    for row in connection.execute(query):
        tags = json.loads(row[5]) if row[5] else {}
        spelled = (*row[:5], tuple(sorted(tags.items())), *row[6:])
        found[spelled] += 1
    return found


def of_go(script: str) -> Counter[Row]:
    """The rows of a fixture as the Go system shows them."""
    connection = sqlite3.connect(":memory:")
    connection.executescript((DATABASES / script).read_text())
    query = f"SELECT {ROWS}, uploaded FROM metrics"
    if script == "go-v1.sql":
        query = "SELECT timestamp, metric_name, metric_value, NULL, 0, NULL, NULL, 2, 0 FROM metrics"
    return rows(connection, query)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    yield box
    box.store.close()
