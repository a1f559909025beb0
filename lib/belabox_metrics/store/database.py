"""Open, lock, begin, commit: in one place, so that no other module can get it wrong.

* Every write stands in `BEGIN IMMEDIATE` inside the lock; a reader opens read-only and needs no lock.
* synchronous=NORMAL and no automatic checkpoint: a commit syncs nothing. What the kernel has not written yet when the
  power goes is lost, whole runs from the end; the database itself stays intact.
* A connection that was written through is left open until the process exits through os._exit: closing the last
  connection would checkpoint, sync and delete the write-ahead log, at every run of every job.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from ..environment import variable
from ..errors import Damaged, StoreProblem, Unwritable
from . import sqlite
from .lock import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection, Cursor
    from types import TracebackType

    from ..errors import Problem

DEFAULT_PATH = "/var/lib/belabox-metrics/metrics.db"
DatabaseError = sqlite.DatabaseError


def database_path() -> str:
    """Where the database is: what the unit says, or the place the installer makes."""
    return variable("BELABOX_METRICS_DATABASE") or DEFAULT_PATH


class Store:
    """The database at `path`. Nothing is opened before it is needed.

    `wait_s`: how long a writer waits for the lock; less than the unit's TimeoutStartSec=.
    """

    def __init__(self, path: str, wait_s: float = 10.0) -> None:
        self.path = path
        self.lock = Lock(path + ".lock", wait_s)
        self._connection: Connection | None = None
        self._itself: Store | None = None
        self._file = 0

    def connection(self) -> Connection:
        """The read-write connection, for reading outside a transaction too. Makes the database where there is none."""
        if self._connection is None:
            try:
                self._connection = self._ready()
            except StoreProblem:
                # Somebody may be moving the file aside at this very moment. He holds the lock meanwhile.
                self.lock.acquire()
                self.lock.release()
                self._connection = self._ready()
            # A circle, lest it is let go of when the job's main returns: Python before 3.11 would close it there.
            self._itself = self
        return self._connection

    def _ready(self) -> Connection:
        # Before it is opened: if it is moved aside in between, that will be noticed.
        self._file = _plain(self.path)
        connection = opened(self.path) if self._file else None
        version = version_of(connection, self.path) if connection else 0
        if connection and self._file != _inode(self.path):
            raise StoreProblem("another file took the place of this one while it was opened", where=self.path)
        if connection and version == GO:
            from .takeover import aside

            aside.move(connection, self.path, self.lock)
            version = 0
        if connection is None or version == 0:
            return self._create()
        if os.geteuid() == 0:
            from .root import need_ours

            need_ours(connection, self.path)
        if version < EXPECTED:
            from .migration import migrate

            migrate(connection, self.path, self.lock)
        return connection

    def is_elsewhere(self) -> bool:
        """Whether the file that is open is no longer the one at `path`: it was damaged, and moved aside."""
        return self._connection is not None and _inode(self.path) != self._file

    def writing(self, *, checkpoint_first: bool = False) -> Writing:
        """`with store.writing() as connection:` one locked transaction, after a checkpoint if that is wanted."""
        return Writing(self, checkpoint_first)

    def reading(self) -> Connection:
        """A read-only connection of its own; the caller closes it. Raises StoreProblem where there is no database."""
        try:
            mode = os.stat(self.path).st_mode
        except FileNotFoundError as error:
            raise StoreProblem(
                "there is no database yet", where=self.path, hint="nothing has been collected so far"
            ) from error
        except OSError as error:
            hint = "use sudo, or become a member of the group that owns it"
            raise StoreProblem(f"can't be reached: {error.strerror}", where=self.path, hint=hint) from error
        # Opening a pipe would wait for somebody at its other end.
        _need_file(mode, self.path)
        try:
            if os.geteuid() != 0:
                return self._read()
            from .root import AsKeeper, need_ours

            with AsKeeper(self.path):
                connection = self._read()
            need_ours(connection, self.path)
            return connection
        except DatabaseError as error:
            raise problem(error, self.path) from error

    def _read(self) -> Connection:
        path = quoted(self.path)
        try:
            connection = sqlite.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
            version = version_of(connection, self.path)
        except Unwritable:
            # Even who only reads writes to the index of the log, or gets along without: where ext4 has given up
            # writing, files can still be opened for it, and SQLite does not see that it has to.
            connection = sqlite.connect(f"file:{path}?mode=ro&readonly_shm=1", uri=True, timeout=5)
            version = version_of(connection, self.path)
        try:
            # The names of all tables, which whatever is asked next needs too.
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite.UNREADABLE as error:
            raise problem(error, self.path) from error
        if version == 0:
            raise StoreProblem("the database is still empty", where=self.path)
        if version == GO:
            hint = "the next collection takes it over"
            raise StoreProblem("the database is still the one of the Go system", where=self.path, hint=hint)
        if version < EXPECTED:
            hint = "the next collection brings it up to date"
            raise StoreProblem("the database is of an older version", where=self.path, hint=hint)
        return connection

    def close(self) -> None:
        """Close inside the lock, for a process that goes on living. The last one to close checkpoints and syncs."""
        if self._connection is not None:
            self.lock.acquire()
            try:
                self._connection.close()
                self._connection = self._itself = None
            finally:
                self.lock.release()

    def _create(self) -> Connection:
        from .creation import create

        self.lock.acquire()
        try:
            connection = create(self.path)
            self._file = _inode(self.path)
        finally:
            self.lock.release()
        return connection


class Writing:
    """One transaction: lock, BEGIN IMMEDIATE; COMMIT on a clean exit, ROLLBACK on any exception; unlock.

    Raises TryLater when the lock or the database stays busy, Damaged also when another has taken its place, Unwritable,
    and StoreProblem for everything else SQLite says.
    """

    def __init__(self, store: Store, checkpoint_first: bool) -> None:
        self._store = store
        self._checkpoint_first = checkpoint_first
        self.checkpointed = False

    def __enter__(self) -> Connection:
        connection = self._store.connection()
        self._store.lock.acquire()
        if self._store.is_elsewhere():
            self._store.lock.release()
            raise Damaged("the database was damaged and moved aside meanwhile", where=self._store.path)
        try:
            if self._checkpoint_first:
                from .checkpoint import truncate_log

                self.checkpointed = truncate_log(connection)
            connection.execute("BEGIN IMMEDIATE")
        except DatabaseError as error:
            self._store.lock.release()
            raise problem(error, self._store.path) from error
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        connection = self._store.connection()
        try:
            if kind is None:
                connection.execute("COMMIT")
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
        except DatabaseError as failure:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise problem(failure, self._store.path) from failure
        finally:
            self._store.lock.release()
        if isinstance(error, DatabaseError):
            raise problem(error, self._store.path) from error


def problem(error: Exception, path: str) -> Problem:
    """SQLite's word in ours: what failed and what to do. What is a Problem already stays as it is."""
    from .meaning import meaning

    return meaning(error, path)


def opened(path: str) -> Connection:
    """A connection as jobs have it, which writes nothing but what it is told to, and syncs nothing."""
    try:
        connection = sqlite.connect(path, timeout=5, isolation_level=None)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
    except sqlite.UNREADABLE as error:
        raise problem(error, path) from error
    return connection


def version_of(connection: Connection, path: str) -> int:
    """EXPECTED, an older one from OLDEST on, 0 for an empty database, or GO. Raises a StoreProblem for any other."""
    from_file: Cursor
    try:
        from_file = connection.execute("PRAGMA user_version")
        version = int(from_file.fetchone()[0])
        if OLDEST <= version <= EXPECTED:
            return version
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite.UNREADABLE as error:
        raise problem(error, path) from error
    if version == 0 and tables == 0:
        return 0
    from .stranger import stranger_version

    return stranger_version(connection, path, version)


def _inode(path: str) -> int:
    """What tells a file from another that comes to stand at its place; 0 where none is."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _plain(path: str) -> int:
    """The same. Raises StoreProblem for what can be no database."""
    try:
        found = os.stat(path)
    except OSError:
        return 0
    _need_file(found.st_mode, path)
    return found.st_ino


def _need_file(mode: int, path: str) -> None:
    if mode & _KIND != _PLAIN:
        from .stranger import no_file

        raise no_file(mode & _KIND, path)


# stat(2): the bits that tell the kind of a file. The module stat is not worth its import for two numbers.
_KIND = 0o170000
_PLAIN = 0o100000


# Stated here as well as in schema.py, which only the maker of a new database imports; a test holds them equal.
EXPECTED = 5
# From this one on migration.py knows the way.
OLDEST = 3
# No version of ours: rows as the Go system wrote them.
GO = -1


def quoted(path: str) -> str:
    """A path as part of a URI."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
