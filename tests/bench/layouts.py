#!/usr/bin/env python3
"""Measure how runs are best stored: bytes, pages, syncs and time of several layouts under the same load.

python3 tests/bench/layouts.py                    every section; what the machine can't do is skipped
python3 tests/bench/layouts.py layouts replay     only these sections
python3 tests/bench/layouts.py ext4 --pace real   a block device at the true pace (root, 12 minutes)

The load is the full schedule: 32 activations a minute of seven jobs, each a process of its own that opens,
inserts one run, commits and leaves without closing. Bytes, pages and syncs are counted; times are medians
within one run.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import hashlib
import itertools
import os
import platform
import random
import shutil
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = tuple[Any, ...]
Number = Union[int, float]
EPOCH_MS = 1_760_000_000_000
PER_MINUTE = 32
PERIOD = 12 * PER_MINUTE  # activations between two checkpoints unless a section says otherwise
PAGE_SIZES = (512, 1024, 2048, 4096)
WAL_HEADER, FRAME_HEADER = 32, 24
KIB, MIB = 1024, 1024 * 1024


# --- the load -----------------------------------------------------------------------------------------------


class Job(NamedTuple):
    """A job of the schedule and the shape of what it leaves behind."""

    id: int
    name: str
    every: int
    values: int
    counters: bool
    state: int  # counters to remember until its next run


JOBS = (
    Job(1, "srt.packet_loss", 5, 8, False, 8),
    Job(2, "cpu.usage", 10, 9, False, 72),
    Job(3, "network.traffic", 10, 32, True, 32),
    Job(4, "cpu.temperature", 30, 8, False, 0),
    Job(5, "memory.usage", 30, 5, True, 0),
    Job(6, "disk.io", 30, 16, True, 16),
    Job(7, "self", 30, 4, False, 0),
)
READ_JOB, READ_VALUE = JOBS[1], 3


class Run(NamedTuple):
    """One activation: when it was, what it found, and the text it leaves for its next run."""

    job: Job
    ts: int
    boottime: int
    duration: int
    values: tuple[Number, ...]
    state: str | None


def load(hours: float, start_hour: float = 0) -> Iterator[Run]:
    """The schedule of so many hours, the same at every call."""
    rng = random.Random(4711)
    totals = {job.id: [rng.randrange(10**6, 10**9) for _ in range(80)] for job in JOBS}
    first = int(start_hour * 3600)
    for second in range(first, first + int(hours * 3600)):
        due = [job for job in JOBS if (second + job.id) % job.every == 0]
        for position, job in enumerate(due):
            yield activation(rng, job, second * 1000 + 7 * position + rng.randrange(5), totals[job.id])


def activation(rng: random.Random, job: Job, offset: int, totals: list[int]) -> Run:
    for index in range(max(job.state, job.values if job.counters else 0)):
        totals[index] += rng.randrange(50_000)
    values: tuple[Number, ...] = tuple(totals[: job.values])
    if not job.counters:
        values = tuple(round(rng.uniform(0, 100), 2) for _ in range(job.values))
    state = ",".join(map(str, totals[: job.state])) if job.state else None
    return Run(job, EPOCH_MS + offset, 60_000 + offset, rng.randrange(900, 9000), values, state)


def as_json(values: Sequence[Number]) -> str:
    return "[" + ",".join(map(repr, values)) + "]"


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def as_blob(values: Sequence[Number]) -> bytes:
    """A varint of value*2 for a whole number, the byte 1 and a double for any other."""
    return b"".join(varint(v * 2) if isinstance(v, int) else b"\x01" + struct.pack("<d", v) for v in values)


def from_blob(blob: bytes) -> list[Number]:
    values: list[Number] = []
    at = 0
    while at < len(blob):
        if blob[at] == 1:
            values.append(struct.unpack_from("<d", blob, at + 1)[0])
            at += 9
            continue
        number = shift = 0
        while blob[at] > 127:
            number |= (blob[at] & 127) << shift
            shift, at = shift + 7, at + 1
        values.append((number | blob[at] << shift) >> 1)
        at += 1
    return values


# --- the layouts --------------------------------------------------------------------------------------------

PLAIN = (
    "job INTEGER NOT NULL, ts INTEGER NOT NULL, boot INTEGER, boottime_ms INTEGER, duration_us INTEGER,"
    " outcome INTEGER, priority INTEGER, session INTEGER, shape INTEGER"
)
JOBS_TABLE = (
    "CREATE TABLE jobs(id INTEGER PRIMARY KEY, name TEXT NOT NULL, last INTEGER, runs INTEGER,"
    " samples INTEGER, failures INTEGER, duration_us INTEGER, state TEXT);"
)
JOBS_ROWS = "".join(f"INSERT INTO jobs VALUES({j.id}, '{j.name}', 0, 0, 0, 0, 0, NULL);" for j in JOBS)
SERIES_TABLE = "CREATE TABLE series(id INTEGER PRIMARY KEY, name TEXT NOT NULL, tags TEXT, UNIQUE(name, tags));"


class Layout:
    """A way to store a run: `prepare` is computed beforehand, `write` runs in a transaction."""

    schema = ""

    def prepare(self, run: Run) -> Any:
        return run

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        raise NotImplementedError

    def read(self, db: sqlite3.Connection, start: int, end: int) -> int:
        raise NotImplementedError


def plain(run: Run) -> Row:
    return run.job.id, run.ts, 3, run.boottime, run.duration, 0, 2, 1, run.job.id


class Specified(Layout):
    """The table of the specification, one row a sample, with its five indexes."""

    schema = """
    CREATE TABLE metrics(id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp_ms INTEGER NOT NULL,
        metric_name TEXT NOT NULL, metric_value REAL, value_text TEXT, value_type INTEGER DEFAULT 0,
        tags TEXT, session_id TEXT, device_id TEXT, uploaded INTEGER DEFAULT 0, priority INTEGER DEFAULT 2,
        dedup_key TEXT NOT NULL);
    CREATE INDEX idx_timestamp ON metrics(timestamp_ms);
    CREATE INDEX idx_metric_session ON metrics(metric_name, session_id, timestamp_ms);
    CREATE INDEX idx_uploaded ON metrics(uploaded, priority, timestamp_ms, id);
    CREATE INDEX idx_name_dev_time ON metrics(metric_name, device_id, timestamp_ms);
    CREATE UNIQUE INDEX ux_metrics_dedup ON metrics(dedup_key);"""
    session = "550e8400-e29b-41d4-a716-446655440000"

    def prepare(self, run: Run) -> list[Row]:
        rows = []
        for index, value in enumerate(run.values):
            tags = f'{{"n":"{index}"}}'
            key = hashlib.sha256(f"{run.job.name}|{run.ts}|belabox-001|{tags}".encode()).hexdigest()
            rows.append((run.ts, run.job.name, value, 0, tags, self.session, "belabox-001", key))
        return rows

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        db.executemany(
            "INSERT INTO metrics(timestamp_ms, metric_name, metric_value, value_type, tags, session_id,"
            " device_id, dedup_key) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            prepared,
        )

    def read(self, db: sqlite3.Connection, start: int, end: int) -> int:
        return len(
            db.execute(
                "SELECT timestamp_ms, metric_value FROM metrics WHERE metric_name = ? AND device_id = ?"
                " AND timestamp_ms >= ? AND timestamp_ms < ? AND tags = ?",
                (READ_JOB.name, "belabox-001", start, end, f'{{"n":"{READ_VALUE}"}}'),
            ).fetchall()
        )


def series_id(job: Job, index: int) -> int:
    return job.id * 100 + index


class TimeSeries(Layout):
    """One row a sample keyed (ts, series): the samples of a run lie side by side."""

    schema = SERIES_TABLE + (
        "CREATE TABLE samples(ts INTEGER, series INTEGER, value, PRIMARY KEY(ts, series)) WITHOUT ROWID;"
    )

    def prepare(self, run: Run) -> list[Row]:
        return [(run.ts, series_id(run.job, index), value) for index, value in enumerate(run.values)]

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        db.executemany("INSERT OR IGNORE INTO samples VALUES(?, ?, ?)", prepared)

    def read(self, db: sqlite3.Connection, start: int, end: int) -> int:
        return len(
            db.execute(
                "SELECT ts, value FROM samples WHERE ts >= ? AND ts < ? AND series = ?",
                (start, end, series_id(READ_JOB, READ_VALUE)),
            ).fetchall()
        )


class Relations(Layout):
    """Runs, and one row a sample keyed (run, series)."""

    schema = SERIES_TABLE + (
        f"CREATE TABLE runs(id INTEGER PRIMARY KEY, {PLAIN}, error TEXT, UNIQUE(job, ts));"
        "CREATE TABLE samples(run INTEGER, series INTEGER, value, PRIMARY KEY(run, series)) WITHOUT ROWID;"
    )

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        run: Run = prepared
        key = db.execute(
            "INSERT INTO runs(job, ts, boot, boottime_ms, duration_us, outcome, priority, session, shape)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            plain(run),
        ).lastrowid
        rows = [(key, series_id(run.job, index), value) for index, value in enumerate(run.values)]
        db.executemany("INSERT INTO samples VALUES(?, ?, ?)", rows)

    def read(self, db: sqlite3.Connection, start: int, end: int) -> int:
        return len(
            db.execute(
                "SELECT ts, value FROM runs JOIN samples ON run = id WHERE job = ? AND ts >= ? AND ts < ?"
                " AND series = ?",
                (READ_JOB.id, start, end, series_id(READ_JOB, READ_VALUE)),
            ).fetchall()
        )


class Packed(Layout):
    """One row a run, its values a JSON array, rowids in sequence."""

    insert = (
        "INSERT INTO runs(job, ts, boot, boottime_ms, duration_us, outcome, priority, session, shape, packed)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )

    def __init__(self, unique: bool) -> None:
        extra = ", UNIQUE(job, ts)" if unique else ""
        self.schema = f"CREATE TABLE runs(id INTEGER PRIMARY KEY, {PLAIN}, packed TEXT, error TEXT{extra});"

    def prepare(self, run: Run) -> Row:
        return (*plain(run), as_json(run.values))

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        db.execute(self.insert, prepared)

    def read(self, db: sqlite3.Connection, start: int, end: int) -> int:
        return len(
            db.execute(
                "SELECT ts, json_extract(packed, ?) FROM runs WHERE job = ? AND ts >= ? AND ts < ?",
                (f"$[{READ_VALUE}]", READ_JOB.id, start, end),
            ).fetchall()
        )


class Clocked(Layout):
    """One row a run under a hybrid logical clock; what a job must remember stands in its row of `jobs`."""

    schema = f"CREATE TABLE runs(id INTEGER PRIMARY KEY, {PLAIN}, packed TEXT, error TEXT);" + JOBS_TABLE + JOBS_ROWS
    insert = (
        "INSERT INTO runs(id, job, ts, boot, boottime_ms, duration_us, outcome, priority, session, shape,"
        " packed) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    update = (
        "UPDATE jobs SET last = ?, runs = runs + 1, samples = samples + ?, duration_us = duration_us + ?,"
        " state = ? WHERE id = ?"
    )

    def __init__(self, stateful: bool = True, blob: bool = False) -> None:
        self.stateful, self.blob = stateful, blob
        self.pack: Callable[[Sequence[Number]], Any] = as_blob if blob else as_json

    def prepare(self, run: Run) -> tuple[Run, Row]:
        return run, (*plain(run), self.pack(run.values))

    def next_id(self, db: sqlite3.Connection, run: Run) -> int:
        (last,) = db.execute("SELECT max(id) FROM runs").fetchone()
        return max(run.ts, (last or 0) + 1)

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        run, row = prepared
        key = self.next_id(db, run)
        db.execute(self.insert, (key, *row))
        if self.stateful:
            db.execute("SELECT state FROM jobs WHERE id = ?", (run.job.id,)).fetchone()
            db.execute(self.update, (key, len(run.values), run.duration, run.state, run.job.id))

    def read(self, db: sqlite3.Connection, start: int, end: int) -> int:
        if self.blob:
            query = "SELECT ts, packed FROM runs WHERE id >= ? AND id < ? AND job = ?"
            rows = db.execute(query, (start, end, READ_JOB.id))
            return len([(ts, from_blob(packed)[READ_VALUE]) for ts, packed in rows])
        query = "SELECT ts, json_extract(packed, ?) FROM runs WHERE id >= ? AND id < ? AND job = ?"
        return len(db.execute(query, (f"$[{READ_VALUE}]", start, end, READ_JOB.id)).fetchall())


class Carried(Clocked):
    """As Clocked, but the state travels in the run row and is taken out of the previous run of its job."""

    schema = f"CREATE TABLE runs(id INTEGER PRIMARY KEY, {PLAIN}, packed TEXT, error TEXT, state TEXT);"
    insert = (
        "INSERT INTO runs(id, job, ts, boot, boottime_ms, duration_us, outcome, priority, session, shape,"
        " packed, state) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        run, row = prepared
        query = "SELECT id, state FROM runs WHERE job = ? ORDER BY id DESC LIMIT 1"
        previous = db.execute(query, (run.job.id,)).fetchone()
        db.execute(self.insert, (self.next_id(db, run), *row, run.state))
        if previous and previous[1] is not None:
            db.execute("UPDATE runs SET state = NULL WHERE id = ?", (previous[0],))


class TimeJob(Clocked):
    """As Clocked, but WITHOUT ROWID and keyed (ts, job)."""

    schema = (
        f"CREATE TABLE runs({PLAIN}, packed TEXT, error TEXT, PRIMARY KEY(ts, job)) WITHOUT ROWID;"
        + JOBS_TABLE
        + JOBS_ROWS
    )
    insert = (
        "INSERT INTO runs(job, ts, boot, boottime_ms, duration_us, outcome, priority, session, shape, packed)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )

    def write(self, db: sqlite3.Connection, prepared: Any) -> None:
        run, row = prepared
        db.execute(self.insert, row)
        db.execute("SELECT state FROM jobs WHERE id = ?", (run.job.id,)).fetchone()
        db.execute(self.update, (run.ts, len(run.values), run.duration, run.state, run.job.id))

    def read(self, db: sqlite3.Connection, start: int, end: int) -> int:
        query = "SELECT ts, json_extract(packed, ?) FROM runs WHERE ts >= ? AND ts < ? AND job = ?"
        return len(db.execute(query, (f"$[{READ_VALUE}]", start, end, READ_JOB.id)).fetchall())


LAYOUTS: dict[str, tuple[str, Layout]] = {
    "a": ("specification: row a sample, five indexes", Specified()),
    "b": ("series + samples keyed (ts, series)", TimeSeries()),
    "c": ("runs + samples keyed (run, series)", Relations()),
    "d": ("row a run, JSON, UNIQUE(job, ts)", Packed(unique=True)),
    "e": ("row a run, JSON, no unique index", Packed(unique=False)),
    "f-": ("clock id, no state", Clocked(stateful=False)),
    "f": ("clock id, state in jobs", Clocked()),
    "fb": ("as f, values as varints and doubles", Clocked(blob=True)),
    "g": ("clock id, state in the run row", Carried()),
    "h": ("as f, WITHOUT ROWID keyed (ts, job)", TimeJob()),
}


# --- the database -------------------------------------------------------------------------------------------


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


# --- tables -------------------------------------------------------------------------------------------------


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(shown, row)) + " |", flush=True)


def shown(value: Any) -> str:
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


# --- sections -----------------------------------------------------------------------------------------------


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


def section_layouts(folder: Path, options: Options) -> None:
    figures = {}
    for page_size in (4096, 1024):
        for name, (title, layout) in LAYOUTS.items():
            figures[f"{name}: {title}", str(page_size)] = simulate(
                folder / "layouts.db", layout, page_size, False, PERIOD, options.hours
            )
    table(
        f"Layouts, {options.hours:g} h, a checkpoint every {PERIOD} activations",
        LAYOUT_HEAD,
        layout_rows(figures),
    )


def section_pages(folder: Path, options: Options) -> None:
    figures = {}
    for name in ("f", "g"):
        for page_size in PAGE_SIZES:
            for incremental in (False, True):
                label = f"{page_size}{' incremental' if incremental else ''}"
                figures[name, label] = simulate(
                    folder / "pages.db", LAYOUTS[name][1], page_size, incremental, PERIOD, options.hours
                )
    table("Page size and auto_vacuum", LAYOUT_HEAD, layout_rows(figures))


def section_checkpoints(folder: Path, options: Options) -> None:
    """How often: the WAL that lies there against the bytes a checkpoint copies."""
    rows = []
    for page_size in (1024, 2048, 4096):
        for minutes in (1, 3, 6, 12, 30, 60):
            layout = LAYOUTS["f"][1]
            f = simulate(folder / "often.db", layout, page_size, False, minutes * PER_MINUTE, min(options.hours, 3))
            both = f.wal_bytes + f.checkpoint_bytes
            rows.append((page_size, minutes, f.peak_wal / KIB, f.wal_bytes, f.checkpoint_bytes, both))
    head = ("page", "minutes", "WAL before the checkpoint, KiB", "WAL bytes / activation",
            "checkpoint bytes / activation", "sum")  # fmt: skip
    table("Layout f: how often to checkpoint", head, rows)


def section_proof(folder: Path, options: Options) -> None:
    """200 processes that leave without closing write the same frames as one connection."""
    rows = []
    runs = [run for run, _ in zip(load(1), range(200))]
    for name in ("a", "c", "f", "g", "h"):
        for page_size in (1024, 4096):
            forked = frames_of(folder, name, page_size, runs, fork=True)
            single = frames_of(folder, name, page_size, runs)
            rows.append((name, page_size, len(runs), sum(map(len, forked)), sum(map(len, single)),
                         "yes" if forked == single else "NO"))  # fmt: skip
    table(
        "Does one connection stand for many processes?",
        (
            "layout",
            "page",
            "activations",
            "frames, forked",
            "frames, one connection",
            "same pages in the same order",
        ),
        rows,
    )


def frames_of(folder: Path, name: str, page_size: int, runs: list[Run], fork: bool = False) -> list[list[int]]:
    layout, path = LAYOUTS[name][1], folder / "proof.db"
    create(path, layout, page_size)
    db = None if fork else connect(path)
    wal = WalReader(path, page_size)
    found = []
    for run in runs:
        if db:
            commit(db, layout, layout.prepare(run))
        else:
            in_child(functools.partial(activate, path, layout, layout.prepare(run)))
        found.append(wal.pages())
    if db:
        db.close()
    return found


def section_replay(folder: Path, options: Options) -> None:
    """What a WAL left lying there costs the next process."""
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


def section_syncs(folder: Path, options: Options) -> None:
    """Which process waits for the disk."""
    if not shutil.which("strace"):
        print("\nsyncs: skipped, there is no strace")
        return
    path = folder / "syncs.db"
    create(path, LAYOUTS["f"][1], 1024)
    steps = (
        ("insert", "the first run of a new WAL"),
        ("insert", "the second"),
        ("insert", "the third"),
        ("checkpoint", "checkpoint TRUNCATE alone"),
        ("insert", "the first run after it"),
        ("insert", "the second"),
        ("checkpoint-row", "checkpoint TRUNCATE, then a row of its own under the same lock"),
        ("insert", "the first run after it"),
        ("insert", "the second"),
        ("restart", "checkpoint RESTART alone"),
        ("insert", "the first run after it"),
        ("restart-row", "checkpoint RESTART, then a row of its own under the same lock"),
        ("insert", "the first run after it"),
        ("close", "a run that closes its connection"),
    )
    rows = [(title, *traced(path, step, number), size(path, "-wal")) for number, (step, title) in enumerate(steps)]
    head = ("process", "syncs of the WAL", "of the database", "of the folder", "WAL bytes afterwards")
    table("Syncs of each process, in order", head, rows)


def traced(path: Path, step: str, number: int) -> tuple[int, int, int]:
    """Run one step of `one` under strace and count its syncs by file."""
    log = path.with_suffix(".strace")
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(log)]
    subprocess.run([*command, sys.executable, __file__, "one", str(path), step, str(number)], check=True)
    calls = [line for line in log.read_text().splitlines() if "sync(" in line]
    wal = sum("-wal>" in call for call in calls)
    database = sum(f"{path.name}>" in call for call in calls)
    return wal, database, len(calls) - wal - database


def one(path: Path, step: str, number: int) -> None:
    """A single process of the section `syncs`."""
    layout = LAYOUTS["f"][1]
    run = next(load(1, number + 1))
    db = keep(connect(path))
    kind, _, row = step.partition("-")
    if kind in ("checkpoint", "restart"):
        checkpoint(db, "TRUNCATE" if kind == "checkpoint" else "RESTART")
    if row or kind in ("insert", "close"):
        commit(db, layout, layout.prepare(run))
    if kind == "close":
        db.close()
    os._exit(0)


READER_URIS = ("mode=ro", "mode=ro&readonly_shm=1")


def section_readers(folder: Path, options: Options) -> None:
    """Who keeps whom out when the index of the WAL is in memory instead of in `-shm`."""
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


def section_growth(folder: Path, options: Options) -> None:
    """Does a big database make a run dearer?"""
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


def section_retention(folder: Path, options: Options) -> None:
    """What it costs to drop the oldest hour, and what the next hour then costs."""
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


# --- a block device -----------------------------------------------------------------------------------------


class Volume:
    """An ext4 file system of its own on a loop device, and a database on it."""

    def __init__(self, folder: Path, label: str, mount_options: str) -> None:
        self.image, self.mount = folder / f"{label}.img", folder / label
        self.mount.mkdir()
        with self.image.open("wb") as file:
            file.truncate(128 * MIB)
        fs = ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self.image)]
        subprocess.run(fs, check=True)
        self.device = subprocess.run(
            ["losetup", "--find", "--show", str(self.image)], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        self.mounted = False
        try:
            subprocess.run(["mount", "-o", mount_options, self.device, str(self.mount)], check=True)
            self.mounted = True
        except BaseException:
            self.drop()
            raise

    def written(self) -> int:
        """Bytes the device has taken: field 7 of its `stat` counts sectors of 512."""
        return int(Path(f"/sys/block/{Path(self.device).name}/stat").read_text().split()[6]) * 512

    def flush(self) -> None:
        handle = os.open(self.mount, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle):
                raise OSError(ctypes.get_errno(), "syncfs")
        finally:
            os.close(handle)

    def drop(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.mount)], check=True)
        subprocess.run(["losetup", "--detach", self.device], check=True)
        self.image.unlink()


class Case(NamedTuple):
    layout: str
    page_size: int
    exclusive: bool
    kind: str  # of checkpoint; "RESTART" leaves the WAL its length and writes a row so that it starts anew
    minutes: int  # between two checkpoints
    mount_options: str


DEFAULTS = "noatime"
CASES = (
    Case("a", 4096, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 2048, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 4096, False, "TRUNCATE", 12, DEFAULTS),
    Case("g", 4096, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 3, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 6, DEFAULTS),
    Case("f", 1024, False, "RESTART", 6, DEFAULTS),
    Case("f", 1024, True, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, True, "TRUNCATE", 6, DEFAULTS),
    Case("f", 1024, True, "RESTART", 6, DEFAULTS),
    Case("f", 4096, True, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 12, DEFAULTS + ",commit=600"),
)


def checkpoint_and_row(path: Path, case: Case, prepared: Any) -> float:
    db = keep(connect(path, case.exclusive))
    checkpoint(db, case.kind)
    commit(db, LAYOUTS[case.layout][1], prepared)
    return 0


class Trial:
    """One case on one volume, driven run by run."""

    def __init__(self, folder: Path, number: int, case: Case) -> None:
        self.case, self.layout = case, LAYOUTS[case.layout][1]
        self.volume = Volume(folder, f"volume{number}", case.mount_options)
        self.path = self.volume.mount / "metrics.db"
        create(self.path, self.layout, case.page_size)
        self.volume.flush()
        self.before, self.activations = self.volume.written(), 0

    def step(self, run: Run) -> None:
        prepared = self.layout.prepare(run)
        period = self.case.minutes * PER_MINUTE
        if self.activations and self.activations % period == 0:
            in_child(functools.partial(checkpoint_and_row, self.path, self.case, prepared))
        else:
            in_child(functools.partial(activate, self.path, self.layout, prepared, self.case.exclusive))
        self.activations += 1

    def row(self) -> Row:
        self.volume.flush()
        case = self.case
        index = "in memory" if case.exclusive else "-shm"
        written = self.volume.written() - self.before
        return (case.layout, case.page_size, index, case.kind, case.minutes, case.mount_options,
                written / MIB, written / self.activations)  # fmt: skip


def section_ext4(folder: Path, options: Options) -> None:
    """Bytes that reach the device, file system included."""
    if os.geteuid() or not all(map(shutil.which, ("losetup", "mkfs.ext4", "mount"))):
        print("\next4: skipped, it needs root, losetup and mkfs.ext4")
        return
    trials: list[Trial] = []
    try:
        for number, case in enumerate(CASES):
            trials.append(Trial(folder, number, case))
        (real_pace if options.pace == "real" else fast_pace)(trials, options.minutes)
        rows = [trial.row() for trial in trials]
    finally:
        for trial in trials:
            trial.volume.drop()
    real = options.pace == "real"
    pace = "true pace, no sync but SQLite's" if real else "accelerated, syncfs each 30 s of the load"
    head = (
        "layout",
        "page",
        "index of the WAL",
        "checkpoint",
        "every, min",
        "mount",
        "MiB written",
        "bytes / activation",
    )
    table(f"An ext4 device, {trials[0].activations} activations, {pace}", head, rows)


def fast_pace(trials: list[Trial], minutes: float) -> None:
    for run, number in zip(load(minutes / 60 + 1), range(int(minutes * PER_MINUTE) + 1)):
        for trial in trials:
            trial.step(run)
            if number % (PER_MINUTE // 2) == 0:
                trial.volume.flush()


def real_pace(trials: list[Trial], minutes: float) -> None:
    began = time.monotonic()
    for run, _ in zip(load(minutes / 60 + 1), range(int(minutes * PER_MINUTE) + 1)):
        time.sleep(max(0.0, began + (run.ts - EPOCH_MS) / 1000 - time.monotonic()))
        for trial in trials:
            trial.step(run)


# --- the door -----------------------------------------------------------------------------------------------


class Options(argparse.Namespace):
    sections: list[str]
    hours: float
    grow: int
    pace: str
    minutes: float
    folder: str


SECTIONS: dict[str, Callable[[Path, Options], None]] = {
    "proof": section_proof,
    "layouts": section_layouts,
    "pages": section_pages,
    "checkpoints": section_checkpoints,
    "replay": section_replay,
    "syncs": section_syncs,
    "readers": section_readers,
    "growth": section_growth,
    "retention": section_retention,
    "ext4": section_ext4,
}


def arguments() -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--hours", type=float, default=6, help="length of the load (6)")
    parser.add_argument("--grow", type=int, default=1_000_000_000, help="bytes of the largest database (1e9)")
    parser.add_argument("--pace", choices=("fast", "real"), default="fast", help="of the section ext4")
    parser.add_argument("--minutes", type=float, default=12, help="of the section ext4 (12)")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the databases are made")
    options = parser.parse_args(namespace=Options())
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    if sys.argv[1:2] == ["one"]:
        one(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    options = arguments()
    print(f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores,"
          f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="layouts-", dir=options.folder) as folder:
        for name in options.sections or SECTIONS:
            began = time.monotonic()
            SECTIONS[name](Path(folder), options)
            print(f"\n({name}: {time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
