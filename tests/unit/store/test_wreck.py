"""What of a damaged table can be read is read, to the last row before what can't be."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from belabox_metrics.sample import Sample
from belabox_metrics.store.quarantine import Aside
from belabox_metrics.store.salvage import Wrecks
from belabox_metrics.store.schema import PAGE_SIZE
from belabox_metrics.store.wreck import View

from .conftest import Box

DAY_MS = 86_400_000
RUNS = 24


@pytest.fixture
def torn(box: Box) -> tuple[Path, list[int]]:
    """Runs a day apart, some of them on a page that is nonsense now; and the ids of the others."""
    path = Path(box.store.path)
    for at in range(RUNS):
        with box.store.writing() as connection:
            connection.execute(
                "INSERT INTO runs VALUES (?, 1, 0, 1, 1, 1, 1, 0, 2, NULL, 1, ?, NULL)",
                (1_700_000_000_000 + at * DAY_MS, f"[{at}{', 1.25' * 30}]"),
            )
    box.store.close()
    content = bytearray(path.read_bytes())
    leaves = [
        at for at in range(0, len(content), PAGE_SIZE) if content[at] == 13 and b", 1.25" in content[at:][:PAGE_SIZE]
    ]
    assert len(leaves) >= 4
    lost = bytes(content[leaves[-2] : leaves[-2] + PAGE_SIZE])
    content[leaves[-2] : leaves[-2] + PAGE_SIZE] = bytes(PAGE_SIZE)
    path.write_bytes(content)
    return path, [at for at in range(RUNS) if f"[{at},".encode() not in lost]


def test_every_row_around_a_page_that_is_gone(torn: tuple[Path, list[int]]) -> None:
    path, left = torn
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT * FROM runs").fetchall()
    view = View(str(path), with_log=False)
    found = [(row[0] - 1_700_000_000_000) // DAY_MS for row in view.runs(0)]
    view.close()
    assert found == left
    # And not one for each ms of the days between.
    assert view.gaps == 1


@pytest.mark.parametrize("at", [0, 7, RUNS - 1])
def test_a_row_that_is_no_run_is_counted_as_left_once(box: Box, at: int) -> None:
    """It is seen with the log and without, and may be the last."""
    for _ in range(RUNS):
        box.run(Sample("n.value", 1))
    box.sql("PRAGMA wal_checkpoint")
    with box.store.writing() as connection:
        connection.execute("UPDATE runs SET outcome = 64 WHERE id IN (SELECT id FROM runs LIMIT 1 OFFSET ?)", (at,))
    wrecks = Wrecks("metrics.db", [Aside(box.store.path, {})])
    batches = list(wrecks.batches(""))
    wrecks.close()
    assert (sum(len(batch.found) for batch in batches), sum(batch.left for batch in batches)) == (RUNS - 1, 1)
