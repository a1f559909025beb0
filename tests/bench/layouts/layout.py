"""A way to store a run, and what several of them share."""

from __future__ import annotations

import sqlite3
from typing import Any

from .load import JOBS, Row, Run

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
