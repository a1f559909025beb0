"""The job `collect` with what a stream's collectors give back: sessions stored, events stored, places remembered."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from belabox_metrics import clock, collect

from .conftest import FIXTURES, Journal, entry


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "metrics.db"


def run(metric: str, root: Path | str, database: Path) -> None:
    assert collect.main([metric, "--root", str(root), "--database", str(database)]) == 0


def sql(database: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def test_a_session_is_stored_and_marks_what_is_collected(tmp_path: Path, database: Path) -> None:
    box = tmp_path / "box"
    shutil.copytree(FIXTURES / "belabox-live", box)
    run("stream.session", box, database)
    ((uuid, metadata),) = sql(database, "SELECT id, metadata FROM sessions WHERE status = 'active'")
    assert '"relay":"relay.example.net:5000"' in str(metadata)
    run("memory.usage", FIXTURES / "orangepi5plus", database)
    assert sql(database, "SELECT DISTINCT session_id FROM metrics") == [(uuid,)]
    for pid in ("2204", "2211"):
        shutil.rmtree(box / "proc" / pid)
    (box / "proc/uptime").write_text("3700.00 1.00\n")
    run("stream.session", box, database)
    assert sql(database, "SELECT id, status FROM sessions") == [(uuid, "completed")]
    told = sql(database, "SELECT job, metric FROM jobs WHERE job = 'event' ORDER BY id")
    assert told == [("event", "session_started"), ("event", "session_ended")]


def test_the_end_of_the_last_boot_is_told_by_the_next(
    database: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.time() - 1_795_200_000
    root = journal([entry(start - 20, "warning: no available connections")])
    run("stream.events", root, database)
    journal([entry(start - 10, "Pipeline stall detected. Will exit now")])
    monkeypatch.setattr(clock, "boot_id", lambda: "another boot")
    run("stream.events", root, database)
    run("stream.events", root, database)
    found = sql(
        database, "SELECT metric_value, tags, priority FROM metrics WHERE metric_name = 'stream.event' ORDER BY id"
    )
    assert found == [(1, '{"event":"all_links_down"}', 0), (1, '{"event":"pipeline_stall"}', 0)]
