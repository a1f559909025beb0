"""A database of an older version is brought up to date, once, whoever comes first."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from belabox_metrics.errors import StoreProblem
from belabox_metrics.store import queue
from belabox_metrics.store.database import EXPECTED, Store

ROOT = Path(__file__).parents[3]
DATABASES = ROOT / "tests/fixtures/databases"
COLUMNS = "id, timestamp_ms, metric_name, metric_value, tags, session_id, uploaded, priority, dedup_key"


def made(path: Path, version: int) -> Path:
    connection = sqlite3.connect(path)
    script = (DATABASES / f"schema-{version}.sql").read_text()
    connection.executescript(f"PRAGMA page_size=1024; PRAGMA journal_mode=WAL; {script}")
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database as schema 3 was on boxes: four runs of three samples, two of them sent, the last with a clock that
    was set back by an hour."""
    return made(tmp_path / "metrics.db", 3)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """One as schema 4 was: six runs of two numbers and a text, of which two are sent but for one number that was
    refused, two in the backlog, one of these on its way; a run without data; an event."""
    return made(tmp_path / "metrics.db", 4)


def rows(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(f"SELECT {COLUMNS} FROM metrics ORDER BY id").fetchall()
    connection.close()
    return found


def test_every_sample_stays_what_it_was(old: Path) -> None:
    before = rows(old)
    assert len(before) == 12
    store = Store(str(old))
    connection = store.connection()
    assert queue.pending_count(connection) == 6
    assert [run.session for run in queue.pending(connection, 2, 100)] == ["stream-1", "stream-1"]
    assert connection.execute("PRAGMA user_version").fetchone() == (EXPECTED,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [row[0] for row in connection.execute("SELECT version FROM schema_version ORDER BY 1")] == [3, 4, EXPECTED]
    store.close()
    assert rows(old) == before


def test_from_4_what_waits_waits_and_what_is_on_its_way_goes_on(newer: Path) -> None:
    before = rows(newer)
    connection = sqlite3.connect(newer)
    flights = connection.execute("SELECT * FROM flights").fetchall()
    connection.close()
    assert len(before) == 6 * 3 + 2
    store = Store(str(newer))
    connection = store.connection()
    assert queue.totals(connection) == (13, 3, 1)
    assert queue.pending_count(connection) == 9
    assert connection.execute("SELECT * FROM flights").fetchall() == flights
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()
    assert rows(newer) == before


@pytest.mark.parametrize("version", [3, 4])
def test_it_has_the_tables_of_a_new_one(tmp_path: Path, version: int) -> None:
    def layout(path: Path) -> dict[str, list[tuple[object, ...]]]:
        store = Store(str(path))
        connection = store.connection()
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type <> 'index'")]
        found = {name: connection.execute("SELECT * FROM pragma_table_info(?)", (name,)).fetchall() for name in names}
        store.close()
        return {name: [row[1:] for row in columns] for name, columns in found.items()}

    assert layout(made(tmp_path / "metrics.db", version)) == layout(tmp_path / "new.db")


def test_eight_jobs_at_once_migrate_it_once_and_lose_nothing(old: Path) -> None:
    command = ["/usr/bin/python3", "-I", "-S", str(ROOT / "jobs/collect.py"), "memory.usage", "--database", str(old)]
    jobs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    for job in jobs:
        _, errors = job.communicate(timeout=60)
        assert job.returncode == 0, errors
    connection = sqlite3.connect(old)
    assert connection.execute("SELECT count(*) FROM schema_version").fetchone() == (EXPECTED - 2,)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (12,)
    connection.close()


def no_runs(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE runs")


def taken_name(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE link (x)")


def name_taken_later(connection: sqlite3.Connection) -> None:
    """By the second of two steps: the first must not stand either."""
    connection.execute("CREATE TABLE minutes (x)")


@pytest.mark.parametrize("damage", [no_runs, taken_name, name_taken_later])
def test_what_can_not_be_migrated_is_told_and_left_as_it_was(
    old: Path, damage: Callable[[sqlite3.Connection], None]
) -> None:
    connection = sqlite3.connect(old)
    damage(connection)
    connection.commit()
    before = list(connection.iterdump())
    with pytest.raises(StoreProblem):
        Store(str(old)).connection()
    assert list(connection.iterdump()) == before
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)


def test_a_reader_says_that_it_is_old(old: Path) -> None:
    with pytest.raises(StoreProblem, match="older version"):
        Store(str(old)).reading()
