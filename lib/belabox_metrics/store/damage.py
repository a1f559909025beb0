"""Whether a database is damaged, asked once more after one that used it was told so.

What moves a database aside must be certain: a disk that failed to answer, a reader in the way, a newer schema are no
damage. So it is opened anew, read-only, and looked at: what our tables can't say, and what SQLite's own check finds.
"""

from __future__ import annotations

import posix as os  # as environment.py says
import time

from ..errors import Damaged, Problem
from . import header, importer
from .credible import beyond
from .database import DatabaseError, Store, problem, quoted
from .instant import Still
from .mistyped import mistyped
from .queue import series_of
from .sqlite import UNREADABLE, Torn, connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# The lock is held meanwhile, and others wait for ten seconds: 300 MB from a good card. What takes longer is for the
# job `recover`, which checks without the lock.
CHECK_S = 4.0
# How many instructions of SQLite's machine between two looks at the time.
_STEP = 20_000
# What every job touches, so that small damage is found before a large table has been read.
_SMALL = ("settings", "boots", "jobs", "positions", "link", "shapes", "series", "sessions", "flights", "backlog")
_NAMES = {
    "jobs": "job, metric",
    "boots": "boot_id",
    "shapes": "signature",
    "series": "name, tags",
    "sessions": "id",
}
_LARGE = ("runs", "minutes", "five_minutes", "hours", "rejected")


def found(path: str, seconds: float | None = CHECK_S) -> str:
    """What is wrong with the database at `path`, "" for nothing that can be found within `seconds` (None: as long as it
    takes). Does not wait for the lock, which the caller has, or does without."""
    if _size(path) == 0:  # an empty file is an empty database
        return ""
    # Before there is a connection: closing the file takes SQLite's locks of this process on it along.
    if wrong := header.fault(path):
        return wrong
    is_ours = False
    try:
        Store(path).reading().close()
        is_ours = True
        connection = connect(f"file:{quoted(path)}?mode=ro", uri=True, timeout=5)
    except Damaged as damaged:
        return damaged.what
    except (Problem, DatabaseError):
        # Also one of another program, or of an older schema, whose pages SQLite has not looked at.
        connection = connect(f"file:{quoted(path)}?mode=ro", uri=True, timeout=5)
    try:
        return _checked(connection, seconds, is_ours)
    except Damaged as damaged:
        return damaged.what
    except UNREADABLE as error:
        said = problem(error, path)
        return said.what if isinstance(said, Damaged) else ""
    finally:
        connection.close()


def _checked(connection: Connection, seconds: float | None, is_ours: bool) -> str:
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in _SMALL:
        if table in there:
            connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - a name from above
    if seconds is not None:
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEP)
    if is_ours and (wrong := nonsense(connection)):
        return wrong
    # Not quick_check, which does not hold a table against its indexes. Runs and what they are rolled up to have none.
    said = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if said != "ok":
        return said.replace("\n", " ")
    return _first_mistyped(connection, _LARGE) if is_ours else ""


def nonsense(connection: Connection) -> str:
    """What the small tables say that they can't, whole as their pages may be; "" for nothing. Raises Damaged too."""
    if wrong := _first_mistyped(connection, _SMALL):
        return wrong
    # Without the lock: a shape may be forgotten, or a chunk come to its end, between two statements.
    with Still(connection):
        if wrong := _misnamed(connection) or beyond(connection):
            return wrong
        importer.standing(connection)
    return ""


def _misnamed(connection: Connection) -> str:
    """Where a name is no text, or not what was signed: under it, what is stored would be of another series, or job, or
    boot. Raises Damaged too."""
    for table, columns in _NAMES.items():
        rows = connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - names from above
        if any(isinstance(name, Torn) for row in rows for name in row):
            return f"the database is damaged: a name in {table} is no text"
    for (shape,) in connection.execute("SELECT id FROM shapes").fetchall():
        series_of(connection, shape)
    return ""


def _first_mistyped(connection: Connection, tables: tuple[str, ...]) -> str:
    return next(filter(None, (mistyped(connection, table) for table in tables)), "")


def inode(path: str) -> int:
    """What tells a file from another that comes to stand at its place; 0 where none is."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
