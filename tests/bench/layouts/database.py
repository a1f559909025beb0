"""A database as the activations of a box open, fill and leave it, and what that appends to its log."""

from __future__ import annotations

import os
import sqlite3
import struct
import time
from pathlib import Path
from typing import Any, Callable

from .layout import Layout

WAL_HEADER, FRAME_HEADER = 32, 24


def create(path: Path, layout: Layout, page_size: int, incremental: bool = False) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA page_size = {page_size}")
    db.execute(f"PRAGMA auto_vacuum = {'INCREMENTAL' if incremental else 'NONE'}")
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(layout.schema)
    db.close()


def connect(path: Path, exclusive: bool = False) -> sqlite3.Connection:
    """What every activation does; `exclusive` keeps the index of the WAL in memory instead of in `-shm`."""
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=5)
    if exclusive:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    return db


def commit(db: sqlite3.Connection, layout: Layout, prepared: Any) -> None:
    db.execute("BEGIN IMMEDIATE")
    layout.write(db, prepared)
    db.execute("COMMIT")


def checkpoint(db: sqlite3.Connection, kind: str = "TRUNCATE") -> None:
    busy = db.execute(f"PRAGMA wal_checkpoint({kind})").fetchone()[0]
    assert not busy, "the checkpoint did not run"


def size(path: Path, suffix: str = "") -> int:
    try:
        return os.stat(f"{path}{suffix}").st_size
    except FileNotFoundError:
        return 0


def in_child(work: Callable[[], float]) -> float:
    """Call `work` in a child that leaves with _exit, nothing closed; what it returned comes back."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, struct.pack("<d", work()))
        except BaseException as error:  # a child must never return into its parent's stack
            os.write(2, f"child: {error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 8)
    os.close(reader)
    os.waitpid(pid, 0)
    assert len(answer) == 8, "the child failed"
    return float(struct.unpack("<d", answer)[0])


def activate(path: Path, layout: Layout, prepared: Any, exclusive: bool = False) -> float:
    """One activation from open to just before leaving, in CPU milliseconds."""
    start = time.process_time_ns()
    commit(keep(connect(path, exclusive)), layout, prepared)
    return (time.process_time_ns() - start) / 1e6


KEPT: list[sqlite3.Connection] = []


def keep(db: sqlite3.Connection) -> sqlite3.Connection:
    """Hold a reference: at the end of a function the connection would be closed, the WAL checkpointed."""
    KEPT.append(db)
    return db


class WalReader:
    """The page numbers of the frames that were appended since the last look."""

    def __init__(self, path: Path, page_size: int) -> None:
        self.file, self.frame, self.at = Path(f"{path}-wal"), FRAME_HEADER + page_size, WAL_HEADER

    def pages(self) -> list[int]:
        found = []
        with self.file.open("rb") as wal:
            end = os.fstat(wal.fileno()).st_size
            while self.at + self.frame <= end:
                found.append(struct.unpack(">I", os.pread(wal.fileno(), 4, self.at))[0])
                self.at += self.frame
        return found
