"""What stands where the database should and is none that this program can go on with."""

from __future__ import annotations

from ..errors import Damaged, Problem, StoreProblem
from .database import EXPECTED, GO, OLDEST, DatabaseError, problem
from .schema import APPLICATION_ID
from .takeover.layout import layout_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

_KINDS = {0o010000: "a named pipe", 0o040000: "a directory", 0o140000: "a socket"}


def no_file(kind: int, path: str) -> Problem:
    """`kind`: the bits of stat(2) that tell it."""
    return StoreProblem(f"is {_KINDS.get(kind, 'a device')}, not a database", where=path, hint="move it away")


def stranger_version(connection: Connection, path: str, version: int) -> int:
    """GO for a database of the Go system. `version`: what the header says, and none that can be used does.

    Raises Damaged where the tables are ours all the same, StoreProblem for a newer one and for another program's."""
    if _was_ours(connection):
        raise Damaged("the database is damaged: its header names another schema than its tables", where=path)
    if version > EXPECTED:
        raise StoreProblem(
            f"the database has schema {version}, this program knows {EXPECTED}",
            where=path,
            hint="it was written by a newer version: upgrade belabox-metrics",
        )
    try:
        if layout_of(connection):
            return GO
    except DatabaseError as error:
        raise problem(error, path) from error
    raise StoreProblem("the database is of another program or an older schema", where=path, hint="move it away")


def _was_ours(connection: Connection) -> bool:
    """Whether the tables say that this program knows them, whatever the header says."""
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            return False
        found = connection.execute("SELECT max(version) FROM schema_version").fetchone()[0]
    except DatabaseError:
        return False
    return isinstance(found, int) and OLDEST <= found <= EXPECTED
