"""Layouts in which a sample is a row."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from .layout import PLAIN, SERIES_TABLE, Layout, plain
from .load import READ_JOB, READ_VALUE, Job, Row, Run


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
