"""Layouts in which a run is a row, its values packed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Callable

from .layout import JOBS_ROWS, JOBS_TABLE, PLAIN, Layout, plain
from .load import READ_JOB, READ_VALUE, Number, Row, Run
from .packing import as_blob, as_json, from_blob


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
