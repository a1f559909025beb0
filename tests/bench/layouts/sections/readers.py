"""Who keeps whom out when the index of the WAL is in memory instead of in `-shm`."""

from __future__ import annotations

import functools
import itertools
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Callable

from ..compared import LAYOUTS
from ..database import activate, commit, create, in_child, keep
from ..layout import Layout
from ..load import load
from ..options import Options
from ..table import table

READER_URIS = ("mode=ro", "mode=ro&readonly_shm=1")


def measure(folder: Path, options: Options) -> None:
    writers: dict[str, Callable[[Path, Layout, Any], float]] = {
        "-shm": activate,
        "in memory": functools.partial(activate, exclusive=True),
        "in memory, -shm if someone reads": activate_adaptive,
    }
    people = ("nobody", "a reader that keeps its connection", "a reader in a transaction")
    rows = [
        (index, reading, uri, *write_beside(folder / "readers.db", writer, reading, uri))
        for (index, writer), uri, reading in itertools.product(writers.items(), READER_URIS, people)
    ]
    head = ("index of the WAL", "at the same time", "the reader opens", "write", "rows the reader then sees",
            "one more reader changes -shm")  # fmt: skip
    table("May a process write while another reads?", head, rows)


def write_beside(
    path: Path, writer: Callable[[Path, Layout, Any], float], reading: str, uri: str
) -> tuple[str, int, str]:
    """One row is there, another is written: the reader lives in this process, the writer in a child."""
    layout = LAYOUTS["f"][1]
    create(path, layout, 1024)
    rows = [layout.prepare(run) for run, _ in zip(load(1), range(3))]
    in_child(functools.partial(activate, path, layout, rows[0]))  # leaves a `-shm` behind
    reader = sqlite3.connect(f"file:{path}?{uri}", uri=True, isolation_level=None)
    if "transaction" in reading:
        reader.execute("BEGIN")
    if reading != "nobody":
        count_runs(reader)
    done = in_child(functools.partial(attempt, functools.partial(writer, path, layout, rows[1])))
    if reader.in_transaction:
        reader.execute("COMMIT")
    seen = count_runs(reader)
    reader.close()
    in_child(functools.partial(attempt, functools.partial(writer, path, layout, rows[2])))
    before = os.stat(f"{path}-shm").st_mtime_ns
    time.sleep(0.02)
    in_child(functools.partial(read_and_leave, f"file:{path}?{uri}"))
    touched = os.stat(f"{path}-shm").st_mtime_ns != before
    return "done" if done else "refused: database is locked", seen, "yes" if touched else "no"


def read_and_leave(uri: str) -> float:
    return count_runs(keep(sqlite3.connect(uri, uri=True)))


def count_runs(db: sqlite3.Connection) -> int:
    (count,) = db.execute("SELECT count(*) FROM runs").fetchone()
    return int(count)


def activate_adaptive(path: Path, layout: Layout, prepared: Any) -> float:
    """Try for the database alone, without waiting; when someone has it open, share the index as usual."""
    db = keep(sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=0))
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    try:
        db.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.OperationalError:
        db.execute("PRAGMA locking_mode = NORMAL")
        db.execute("PRAGMA busy_timeout = 5000")
        db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    commit(db, layout, prepared)
    return 0


def attempt(write: Callable[[], float]) -> float:
    try:
        write()
    except sqlite3.OperationalError:
        return 0
    return 1
