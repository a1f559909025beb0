"""What it costs to drop the oldest hour, and what the next hour then costs."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

from ..compared import LAYOUTS
from ..database import checkpoint, commit, connect, create, size
from ..load import EPOCH_MS, Row, load
from ..options import Options
from ..table import KIB, table


def measure(folder: Path, options: Options) -> None:
    rows = []
    for page_size, incremental, secure in itertools.product((1024, 4096), (False, True), (True, False)):
        figures = retention(folder / "retention.db", page_size, incremental, secure)
        mode = "incremental" if incremental else "none"
        rows.append((page_size, mode, "on" if secure else "off", *figures))
    head = ("page", "auto_vacuum", "secure_delete", "file before, KiB", "delete: WAL KiB",
            "incremental_vacuum: WAL KiB", "file after, KiB", "next hour: WAL bytes / activation",
            "file after that hour, KiB")  # fmt: skip
    table("Layout f: drop one hour of six", head, rows)


def retention(path: Path, page_size: int, incremental: bool, secure: bool) -> Row:
    layout = LAYOUTS["f"][1]
    create(path, layout, page_size, incremental)
    db = connect(path)
    db.execute(f"PRAGMA secure_delete = {'ON' if secure else 'OFF'}")
    db.execute("BEGIN IMMEDIATE")
    for run in load(6):
        layout.write(db, layout.prepare(run))
    db.execute("COMMIT")
    before = settle(db, path)[1]
    db.execute("DELETE FROM runs WHERE id < ?", (EPOCH_MS + 3_600_000,))
    deleted = settle(db, path)[0]
    db.executescript("PRAGMA incremental_vacuum")  # execute() stops after its first page
    vacuumed, after = settle(db, path)
    count = 0
    for run in load(1, 6):
        commit(db, layout, layout.prepare(run))
        count += 1
    hour, end = settle(db, path)
    db.close()
    return before / KIB, deleted / KIB, vacuumed / KIB, after / KIB, hour / count, end / KIB


def settle(db: sqlite3.Connection, path: Path) -> tuple[int, int]:
    """Checkpoint; returns the bytes the WAL had and those the database has now."""
    wal = size(path, "-wal")
    checkpoint(db)
    return wal, size(path)
