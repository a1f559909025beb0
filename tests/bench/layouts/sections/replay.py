"""What a WAL left lying there costs the next process."""

from __future__ import annotations

import functools
import os
import statistics
from pathlib import Path
from typing import Any

from ..compared import LAYOUTS
from ..database import activate, checkpoint, commit, connect, create, in_child, keep, size
from ..layout import Layout
from ..load import load
from ..options import Options
from ..table import KIB, MIB, table


def measure(folder: Path, options: Options) -> None:
    rows = []
    for page_size in (1024, 4096):
        base: dict[bool, float] = {}
        for limit in (0, 64 * KIB, 256 * KIB, 512 * KIB, MIB, 4 * MIB):
            length = leave_wal(folder / "replay.db", page_size, limit)
            row: list[Any] = [page_size, f"{limit // KIB} KiB", length / KIB]
            for exclusive in (False, True):
                cost = replay_cost(folder / "replay.db", length, exclusive)
                base.setdefault(exclusive, cost)
                row += [cost, cost / base[exclusive]]
            rows.append(row)
    head = ("page", "WAL", "KiB in truth", "open + insert + leave, CPU ms", "ratio",
            "index in memory: CPU ms", "ratio")  # fmt: skip
    table("A WAL that lies there: median of 100 fresh processes each", head, rows)


def leave_wal(path: Path, page_size: int, limit: int) -> int:
    """A database of one hour, and a WAL of `limit` bytes on top; returns the length of the WAL."""
    layout = LAYOUTS["f"][1]
    create(path, layout, page_size)
    in_child(functools.partial(fill_hour, path, layout, limit))
    return size(path, "-wal")


def fill_hour(path: Path, layout: Layout, limit: int) -> float:
    db = keep(connect(path))
    db.execute("BEGIN IMMEDIATE")
    for run in load(1):
        layout.write(db, layout.prepare(run))
    db.execute("COMMIT")
    checkpoint(db)
    for run in load(24, 1):
        if size(path, "-wal") >= limit:
            break
        commit(db, layout, layout.prepare(run))
    return 0


def replay_cost(path: Path, length: int, exclusive: bool) -> float:
    layout = LAYOUTS["f"][1]
    costs = []
    for run, _ in zip(load(1, 40), range(100)):
        os.truncate(f"{path}-wal", length)
        costs.append(in_child(functools.partial(activate, path, layout, layout.prepare(run), exclusive)))
    os.truncate(f"{path}-wal", length)
    return statistics.median(costs)
