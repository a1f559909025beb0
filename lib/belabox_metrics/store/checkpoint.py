"""Moving the write-ahead log into the database, by a job that is in no hurry.

Every process that opens the database reads the whole log first, since the one before has left without a word; so the
log must stay short. A checkpoint syncs, so no collector does it. And SQLite makes the first writer after a truncation
sync the new log's head: the job that checkpoints must therefore write something of its own before it lets go of the
lock: `store.writing(checkpoint_first=True)`.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from . import figures
from .sqlite import DatabaseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# About 6 minutes of the full schedule; reading it again costs a collector less than half a millisecond.
LOG_LIMIT = 512 * 1024


def log_size(path: str) -> int:
    """Bytes of the write-ahead log of the database at `path`; 0 without one."""
    return figures.size(path + "-wal")


def truncate_log(connection: Connection) -> bool:
    """Move the log into the database and truncate it, the lock being held. False when a reader was in the way, which
    SQLite reports in a row and not as an error, or when the disk is full; the next one will manage."""
    # The lock is held: others wait for it, so there is no waiting for readers here.
    connection.execute("PRAGMA busy_timeout=0")
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except DatabaseError as error:
        # The log has what the database has no room for. It keeps it.
        if "is full" not in str(error):
            raise
        return False
    finally:
        connection.execute("PRAGMA busy_timeout=5000")
    return not busy


def write_out(path: str) -> None:
    """Have the log of the database at `path` written to the disk: before the lock is taken for a checkpoint, which then
    finds half of its waiting done. A log that can't be is a matter for the checkpoint."""
    try:
        descriptor = os.open(path + "-wal", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
