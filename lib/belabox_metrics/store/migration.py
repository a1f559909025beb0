"""Bringing a database of an older version up to date: a step for each version, each in one transaction.

Eight jobs may start at once on an old database: whoever gets the lock first does it, the others find it done.
"""

from __future__ import annotations

import time

from . import schema
from .database import DatabaseError, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .lock import Lock

# Each step stands as it was written: what schema.py says today is where the last one leads to.
#
# What a run, a session and a position are got new columns; tables that did not change are left as they are.
_FROM_3 = """
DROP VIEW metrics;
ALTER TABLE boots ADD COLUMN offset_ms INTEGER;
ALTER TABLE jobs ADD COLUMN alerts TEXT;
ALTER TABLE runs RENAME TO runs_3;
ALTER TABLE sessions RENAME TO sessions_3;
ALTER TABLE positions RENAME TO positions_3;
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    status TEXT,
    metadata TEXT,
    of_boot INTEGER
);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    lead_ms INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    boottime_ms INTEGER NOT NULL,
    synchronized INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    session INTEGER,
    shape INTEGER,
    packed TEXT,
    error TEXT
);
CREATE TABLE positions (
    priority INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    samples_sent INTEGER NOT NULL DEFAULT 0,
    samples_rejected INTEGER NOT NULL DEFAULT 0,
    sent_boot INTEGER, sent_boottime_ms INTEGER
);
CREATE TABLE backlog (
    id INTEGER PRIMARY KEY, priority INTEGER NOT NULL, after_run INTEGER NOT NULL, upto_run INTEGER NOT NULL
);
CREATE TABLE flights (
    id INTEGER PRIMARY KEY,
    batch_id TEXT NOT NULL,
    chunk_index INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    backlog INTEGER,
    after_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL,
    last_timestamp_ms INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE rejected (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL, position INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL, name TEXT NOT NULL, tags TEXT NOT NULL, value,
    status INTEGER NOT NULL, reason TEXT NOT NULL, rejected_ms INTEGER NOT NULL
);
CREATE INDEX rejected_run ON rejected (run, position);
CREATE TABLE link (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    mode TEXT NOT NULL DEFAULT 'realtime',
    outcomes TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    boot INTEGER,
    attempt_boottime_ms INTEGER,
    not_before_boottime_ms INTEGER,
    binding INTEGER NOT NULL DEFAULT 0,
    retry_boottime_ms INTEGER,
    backoff_ms INTEGER NOT NULL DEFAULT 0,
    rate REAL,
    status INTEGER,
    error TEXT,
    skew_ms REAL, skew_boot INTEGER, skew_boottime_ms INTEGER
);
INSERT INTO sessions (id, start_time, end_time, status, metadata)
    SELECT id, start_time, end_time, status, metadata FROM sessions_3 ORDER BY start_time;
INSERT INTO runs
    SELECT id, job, id - timestamp_ms, boot, boottime_ms, synchronized, duration_us, outcome, priority,
        (SELECT number FROM sessions WHERE sessions.id = runs_3.session), shape, packed, error
    FROM runs_3;
INSERT INTO positions (priority, run, samples_sent) SELECT priority, run, samples_sent FROM positions_3;
INSERT INTO link (id) VALUES (1);
DROP TABLE runs_3;
DROP TABLE sessions_3;
DROP TABLE positions_3;
"""

# What runs become when they are old. The first view is the same since 3, but for names that step 3 had to drop it for.
_FROM_4 = """
DROP VIEW IF EXISTS metrics;
ALTER TABLE positions ADD COLUMN samples_unsent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE positions ADD COLUMN dropped_pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE positions ADD COLUMN dropped_sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE positions ADD COLUMN dropped_ms INTEGER;
"""


def migrate(connection: Connection, path: str, lock: Lock) -> None:
    """Bring the database at `path` to this program's version. Raises StoreProblem or TryLater; then nothing changed."""
    lock.acquire()
    try:
        connection.execute("BEGIN IMMEDIATE")
        # Again, now that nobody else can be at it.
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        while version < schema.VERSION:
            for statement in _statements(_STEPS[version]):
                connection.execute(statement)
            version += 1
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            connection.execute("INSERT INTO schema_version VALUES (?, ?)", (version, stamp))
            connection.execute(f"PRAGMA user_version={version}")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except DatabaseError as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise problem(error, path) from error
    finally:
        lock.release()


def _statements(script: str) -> list[str]:
    """One by one: executescript() would commit what is open first."""
    found, text = [], ""
    for line in script.splitlines(keepends=True):
        text += line.partition("--")[0] + "\n"
        if line.partition("--")[0].rstrip().endswith(";"):
            found.append(text)
            text = ""
    return found


# New tables and the views are what they are: the last step may make them as a new database has them.
_STEPS = {3: _FROM_3, 4: _FROM_4 + schema.ROLLED + schema.VIEWS}
