"""A new database: in the place of none, of an empty file, of one that was damaged, or of the Go system's."""

from __future__ import annotations

import posix as os  # as environment.py says
import time

from .. import clock
from ..errors import StoreProblem
from . import ownership, quarantine, schema
from .database import DatabaseError, opened, problem, version_of
from .takeover import aside, begin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection


def create(path: str) -> Connection:
    """Make the tables, unless another process has been quicker; by who holds the lock. Left open, as every connection
    that has written: closing it would delete the log under those who open it now. Raises a StoreProblem."""
    try:
        # Where a damaged one was being moved aside, its log may still be here.
        quarantine.finish(path)
        kept = aside.find(path)
        # An empty file is an empty database; made here, it gets our permissions.
        try:
            os.close(ownership.made(path))
        except FileExistsError:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, ownership.MODE))
        connection = opened(path)
        if version_of(connection, path) == 0:
            _fill(connection, path, kept)
    except OSError as error:
        from .room import unwritable

        refusal = unwritable(error, path)
        raise refusal or StoreProblem(f"cannot make the database: {error.strerror}", where=path) from error
    except DatabaseError as error:
        raise problem(error, path) from error
    return connection


def _fill(connection: Connection, path: str, kept: str) -> None:
    connection.execute(f"PRAGMA page_size={schema.PAGE_SIZE}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    connection.executescript(f"BEGIN IMMEDIATE; {schema.TABLES} {schema.ROLLED} {schema.VIEWS} {schema.ROWS}")
    connection.execute("INSERT INTO schema_version VALUES (?, ?)", (schema.VERSION, stamp))
    if quarantine.unsalvaged(path):
        from . import salvage

        salvage.begin(connection, path)
    elif kept:
        begin.begin(connection, kept, clock.now())
    connection.execute(f"PRAGMA user_version={schema.VERSION}")
    connection.execute("COMMIT")
    # The tables themselves are to outlast a power cut.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
