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

# What a run, a session and a position are got new columns; tables that did not change are left as they are.
_FROM_3 = """
DROP VIEW metrics;
ALTER TABLE boots ADD COLUMN offset_ms INTEGER;
ALTER TABLE jobs ADD COLUMN alerts TEXT;
ALTER TABLE runs RENAME TO runs_3;
ALTER TABLE sessions RENAME TO sessions_3;
ALTER TABLE positions RENAME TO positions_3;
{tables}
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
{view}
"""
_KEPT_SINCE_3 = ("schema_version", "settings", "boots", "jobs", "shapes", "series", "upload_checkpoints")


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


def _new_tables() -> str:
    """What schema.py makes, without the tables that are there already."""
    return "".join(
        statement
        for statement in _statements(schema.TABLES)
        if not any(f"CREATE TABLE {name} " in statement for name in _KEPT_SINCE_3)
    )


_STEPS = {3: _FROM_3.format(tables=_new_tables(), view=schema.VIEW)}
