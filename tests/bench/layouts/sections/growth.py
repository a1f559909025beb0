"""Does a big database make a run dearer?"""

from __future__ import annotations

import functools
import os
import sqlite3
import statistics
import struct
import time
from pathlib import Path

from ..compared import LAYOUTS
from ..database import WalReader, activate, checkpoint, commit, connect, create, in_child, size
from ..layout import Layout, plain
from ..load import EPOCH_MS, PERIOD, load
from ..options import Options
from ..packing import as_json
from ..row_a_run import Clocked
from ..table import table


def measure(folder: Path, options: Options) -> None:
    rows = []
    for page_size in (1024, 4096):
        path = folder / "growth.db"
        layout = LAYOUTS["f"][1]
        create(path, layout, page_size)
        hour = 0.0
        for limit in (0, 100_000_000, options.grow):
            hour = grow(path, limit, hour)
            rows.append((page_size, size(path) / 1e6, *growth_cost(path, layout, hour), search_cost(path)))
            hour += 1
    head = ("page", "database, MB", "insert in one connection, CPU µs", "open + insert + leave, CPU µs",
            "pages dirtied / activation", "depth of the table",
            "search for a job that never ran, ms")  # fmt: skip
    table("Layout f as the database grows", head, rows)


def grow(path: Path, limit: int, hour: float) -> float:
    """Append runs in bulk until the database has so many bytes; returns the hour it ends with."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    sql = Clocked.insert
    block = [(run.ts - EPOCH_MS, (*plain(run), as_json(run.values))) for run in load(1)]
    while size(path) < limit:
        base = EPOCH_MS + int(hour * 3_600_000)
        db.execute("BEGIN IMMEDIATE")
        db.executemany(sql, ((base + offset, *row) for offset, row in block))
        db.execute("COMMIT")
        hour += 1
    db.close()
    return hour


def growth_cost(path: Path, layout: Layout, hour: float) -> tuple[float, float, float, int]:
    db = connect(path)
    checkpoint(db)
    depth = table_depth(db)
    frames, cpu = 0, []
    commit(db, layout, layout.prepare(next(load(1, hour))))
    wal = WalReader(path, db.execute("PRAGMA page_size").fetchone()[0])
    wal.pages()
    for run, _ in zip(load(1, hour), range(PERIOD)):
        prepared = layout.prepare(run)
        began = time.thread_time_ns()
        commit(db, layout, prepared)
        cpu.append((time.thread_time_ns() - began) / 1e3)
        frames += len(wal.pages())
    checkpoint(db)
    db.close()
    runs = zip(load(1, hour + 0.5), range(100))
    fresh = [1e3 * in_child(functools.partial(activate, path, layout, layout.prepare(run))) for run, _ in runs]
    return statistics.median(cpu), statistics.median(fresh), frames / PERIOD, depth


def search_cost(path: Path) -> float:
    """What layout g would pay to find the state of a job that has none."""
    db = connect(path)
    began = time.thread_time_ns()
    db.execute("SELECT id FROM runs WHERE job = 99 ORDER BY id DESC LIMIT 1").fetchall()
    took = (time.thread_time_ns() - began) / 1e6
    db.close()
    return took


def table_depth(db: sqlite3.Connection) -> int:
    """Levels of the table `runs`, counted on the way down to its last row."""
    (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
    (page_size,) = db.execute("PRAGMA page_size").fetchone()
    (path,) = (row[2] for row in db.execute("PRAGMA database_list") if row[1] == "main")
    with open(path, "rb") as file:
        for depth in range(1, 20):
            kind, right = struct.unpack(">B7xI", os.pread(file.fileno(), 12, (page - 1) * page_size))
            if kind == 13:
                return depth
            page = right
    raise AssertionError("not a table")
