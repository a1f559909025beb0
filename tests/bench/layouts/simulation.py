"""A layout under the load, and what it cost."""

from __future__ import annotations

import sqlite3
import statistics
import time
from pathlib import Path
from typing import NamedTuple

from .database import FRAME_HEADER, WalReader, checkpoint, commit, connect, create, size
from .layout import Layout
from .load import EPOCH_MS, READ_JOB, Row, load


class Figures(NamedTuple):
    bytes_a_sample: float
    wal_bytes: float
    pages: float
    checkpoint_bytes: float
    peak_wal: int
    insert_us: float
    prepare_us: float
    read_ms: float


def simulate(path: Path, layout: Layout, page_size: int, incremental: bool, every: int, hours: float) -> Figures:
    """The load of so many hours through one connection, with a checkpoint after so many activations."""
    create(path, layout, page_size, incremental)
    db = connect(path)
    samples = activations = frames = copied = peak = 0
    cpu, prepare = [], []
    wal, dirty = WalReader(path, page_size), set[int]()
    for run in load(hours):
        started = time.thread_time_ns()
        prepared = layout.prepare(run)
        ready = time.thread_time_ns()
        commit(db, layout, prepared)
        cpu.append((time.thread_time_ns() - ready) / 1e3)
        prepare.append((ready - started) / 1e3)
        samples, activations = samples + len(run.values), activations + 1
        pages = wal.pages()
        frames += len(pages)
        dirty.update(pages)
        if activations % every == 0:
            peak = max(peak, size(path, "-wal"))
            copied += len(dirty)
            checkpoint(db)
            wal, dirty = WalReader(path, page_size), set()
    checkpoint(db)
    read = read_time(db, layout, hours)
    db.close()
    checkpointed = activations - activations % every
    return Figures(
        bytes_a_sample=size(path) / samples,
        wal_bytes=frames * (FRAME_HEADER + page_size) / activations,
        pages=frames / activations,
        checkpoint_bytes=copied * page_size / max(1, checkpointed),
        peak_wal=peak,
        insert_us=statistics.median(cpu),
        prepare_us=statistics.median(prepare),
        read_ms=read,
    )


def read_time(db: sqlite3.Connection, layout: Layout, hours: float) -> float:
    """One series over one hour in the middle, warm."""
    start = EPOCH_MS + max(0, int(hours / 2 - 0.5)) * 3_600_000
    took = []
    for _ in range(9):
        began = time.thread_time_ns()
        found = layout.read(db, start, start + 3_600_000)
        took.append((time.thread_time_ns() - began) / 1e6)
        assert found == min(hours, 1) * 3600 // READ_JOB.every, found
    return statistics.median(took)


LAYOUT_HEAD = (
    "layout", "page", "database bytes / sample", "WAL bytes / activation", "pages dirtied / activation",
    "checkpoint bytes / activation", "insert CPU, ratio", "prepare CPU, µs", "read 1 series 1 h, ms",
)  # fmt: skip


def layout_rows(figures: dict[tuple[str, str], Figures]) -> list[Row]:
    cheapest = min(f.insert_us for f in figures.values())
    return [
        (*key, f.bytes_a_sample, f.wal_bytes, f.pages, f.checkpoint_bytes, f.insert_us / cheapest,
         f.prepare_us, f.read_ms)
        for key, f in figures.items()
    ]  # fmt: skip
