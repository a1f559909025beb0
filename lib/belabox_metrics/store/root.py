"""What root does not do with a database that is not his alone."""

from __future__ import annotations

import posix as os  # as environment.py says

from ..errors import StoreProblem
from .database import problem
from .sqlite import UNREADABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection


def need_ours(connection: Connection, path: str) -> None:
    """Root runs nothing that somebody else has put into the database: its owner, or who has broken into a job. Raises
    StoreProblem where there is such a thing."""
    try:
        found = connection.execute(_FOREIGN).fetchone()
    except UNREADABLE as error:
        raise problem(error, path) from error
    if found:
        from ..printable import printable

        hint = "nothing of it is run as root; drop it, or move the file away"
        raise StoreProblem(f"holds a {found[0]} of somebody else, {printable(found[1])}", where=path, hint=hint)


_FOREIGN = """
SELECT CASE WHEN type = 'table' THEN 'virtual table' ELSE type END, name FROM sqlite_master
WHERE type = 'trigger' OR type = 'view' AND name NOT IN ('metrics', 'metrics_rolled_up') OR sql LIKE 'create virtual%'
"""


class AsKeeper:
    """`with AsKeeper(path):` root is whom the database belongs to, where the directory is his as well. SQLite writes
    the index of the log and gives it to the owner of the database, who may have put something else under its name."""

    def __init__(self, path: str) -> None:
        # What he may be told: loaded by root, as he may not get to where the program lies.
        from . import header, meaning, room, stranger  # noqa: F401

        self._keeper = _keeper(path)

    def __enter__(self) -> None:
        if self._keeper:
            os.seteuid(self._keeper)

    def __exit__(self, *_: object) -> None:
        if self._keeper:
            os.seteuid(0)


def _keeper(path: str) -> int:
    """His number; 0 for root itself."""
    directory = path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")
    try:
        owner = os.stat(path).st_uid
        if owner == os.stat(directory).st_uid:
            os.seteuid(owner)
            os.stat(directory)  # where root alone gets to, he puts nothing
            return owner
    except OSError:
        pass
    finally:
        os.seteuid(0)
    return 0
