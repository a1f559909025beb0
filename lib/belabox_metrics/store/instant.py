"""The database as it is at one instant, to read it for somebody who waits."""

from __future__ import annotations

from ..errors import StoreProblem
from .database import DatabaseError, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from types import TracebackType

    from .database import Store


_HINT = "belabox-metrics doctor --only database"


class Instant:
    """`with Instant(store) as connection:` one snapshot, so that the sums of a run that is committed meanwhile are not
    torn. Closed at the end: a reader that lingers keeps the write-ahead log from being truncated.

    Raises StoreProblem for what SQLite says, and for what does not fit: it lets anything stand in any column, a person
    with a shell too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None

    def __enter__(self) -> Connection:
        connection = self._store.reading()
        try:
            connection.execute("BEGIN")
        except DatabaseError as error:
            connection.close()
            raise problem(error, self._store.path) from error
        self._connection = connection
        return connection

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        if isinstance(error, DatabaseError):
            raise problem(error, self._store.path) from error
        if isinstance(error, (TypeError, ValueError)):
            what = f"holds what it should not: {error}"
            raise StoreProblem(what, where=self._store.path, hint=_HINT) from error


class Still:
    """`with Still(connection):` what is read within is of one moment, also on a connection that is written by."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._begins = not connection.in_transaction

    def __enter__(self) -> None:
        if self._begins:
            self._connection.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        # After an I/O error SQLite has ended it already.
        if self._begins and self._connection.in_transaction:
            self._connection.execute("COMMIT")
