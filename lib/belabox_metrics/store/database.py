"""Open, lock, begin, commit: in one place, so that no other module can get it wrong.

* Every write stands in `BEGIN IMMEDIATE` inside the lock; a reader opens read-only and needs no lock.
* synchronous=NORMAL and no automatic checkpoint: a commit syncs nothing. What the kernel has not written yet when the
  power goes is lost, whole runs from the end; the database itself stays intact.
* A connection that was written through is left open until the process exits through os._exit: closing the last
  connection would checkpoint, sync and delete the write-ahead log, at every run of every job.
"""

from __future__ import annotations

import posix as os  # as environment.py says
import time

from ..environment import variable
from ..errors import Damaged, Problem, StoreProblem, TryLater, Unwritable
from . import sqlite
from .lock import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection, Cursor
    from types import TracebackType

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
        connection = self._open() if self._file else None
        version = _version(connection, self.path) if connection else 0
        if connection and self._file != _inode(self.path):
            raise StoreProblem("another file took the place of this one while it was opened", where=self.path)
        if connection and version == GO:
            from .takeover import aside

            aside.move(connection, self.path, self.lock)
            version = 0
        if connection is None or version == 0:
            return self._create()
        _need_ours(connection, self.path)
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
        _need_plain(mode, self.path)
        keeper = _keeper(self.path)
        try:
            if keeper:
                os.seteuid(keeper)
            try:
                try:
                    connection = sqlite.connect(f"file:{quoted(self.path)}?mode=ro", uri=True, timeout=5)
                    version = _version(connection, self.path)
                except Unwritable:
                    # Even who only reads writes to the index of the log, or gets along without: where ext4 has given up
                    # writing, files can still be opened for it, and SQLite does not see that it has to.
                    only = f"file:{quoted(self.path)}?mode=ro&readonly_shm=1"
                    connection = sqlite.connect(only, uri=True, timeout=5)
                    version = _version(connection, self.path)
            finally:
                if keeper:
                    os.seteuid(0)
            if version == 0:
                raise StoreProblem("the database is still empty", where=self.path)
            if version == GO:
                hint = "the next collection takes it over"
                raise StoreProblem("the database is still the one of the Go system", where=self.path, hint=hint)
            if version < EXPECTED:
                hint = "the next collection brings it up to date"
                raise StoreProblem("the database is of an older version", where=self.path, hint=hint)
            _need_ours(connection, self.path)
        except DatabaseError as error:
            raise problem(error, self.path) from error
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

    def _open(self) -> Connection:
        try:
            connection = sqlite.connect(self.path, timeout=5, isolation_level=None)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint=0")
        except DatabaseError as error:
            raise problem(error, self.path) from error
        return connection

    def _create(self) -> Connection:
        """Make the tables, unless another process has been quicker. Left open, as every connection that has written:
        closing it would delete the log under those who open it now."""
        from .. import clock
        from . import ownership, quarantine, schema
        from .takeover import aside, begin

        self.lock.acquire()
        try:
            # Where a damaged one was being moved aside, its log may still be here.
            quarantine.finish(self.path)
            kept = aside.find(self.path)
            # An empty file is an empty database; made here, it gets our permissions.
            try:
                os.close(ownership.made(self.path))
            except FileExistsError:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, ownership.MODE))
            connection = self._open()
            if _version(connection, self.path) == 0:
                connection.execute(f"PRAGMA page_size={schema.PAGE_SIZE}")
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                connection.executescript(
                    f"BEGIN IMMEDIATE; {schema.TABLES} {schema.ROLLED} {schema.VIEWS} {schema.ROWS}"
                )
                connection.execute("INSERT INTO schema_version VALUES (?, ?)", (schema.VERSION, stamp))
                if quarantine.unsalvaged(self.path):
                    from . import salvage

                    salvage.begin(connection, self.path)
                elif kept:
                    begin.begin(connection, kept, clock.now())
                connection.execute(f"PRAGMA user_version={schema.VERSION}")
                connection.execute("COMMIT")
                # The tables themselves are to outlast a power cut.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._file = _inode(self.path)
        except OSError as error:
            from .room import unwritable

            refusal = unwritable(error, self.path)
            raise refusal or StoreProblem(f"cannot make the database: {error.strerror}", where=self.path) from error
        except DatabaseError as error:
            raise problem(error, self.path) from error
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
    if isinstance(error, Problem):
        return error
    said = str(error)
    if "locked" in said or "busy" in said:
        return TryLater("another program keeps the database busy", where=path, hint="is somebody in it with sqlite3?")
    # Python before 3.11 gives no error code, so the stable texts of sqlite3_errstr() decide.
    if any(text in said for text in _NO_ROOM):
        from .room import refusal

        found = refusal(path)
        if found is not None:
            return found
        if "is full" in said:
            return Unwritable("the disk was full", where=path, hint="there is room again")
    for text, what in _DAMAGE:
        if text in said:
            return Damaged(what, where=path, hint="a job moves it aside and starts another, see docs/recovery.md")
    if "readonly" in said:
        from .header import fault

        if wrong := fault(path):
            return Damaged(wrong, where=path)
    for text, what, hint in _KNOWN:
        if text in said:
            return StoreProblem(what, where=path, hint=hint)
    return StoreProblem(f"the database refused: {said}", where=path)


# What a want of room looks like, now and then.
_NO_ROOM = ("is full", "unable to open", "readonly", "disk I/O error")
_DAMAGE = (
    ("not a database", "this file is not a database"),
    ("malformed", "the database is damaged"),
    ("unsupported file format", "the database is damaged: its header names no format"),
)
_KNOWN = (
    (
        "unable to open",
        "cannot open the database",
        "is it a directory, or not owned by the user the jobs run as?",
    ),
    ("readonly", "the database can't be written", "it must belong to the user the jobs run as"),
    ("disk I/O error", "the disk reports an I/O error", "see journalctl -k"),
)


# stat(2): the bits that tell the kind of a file. The module stat is not worth its import for three numbers.
_KIND = 0o170000
_PLAIN = 0o100000
_KINDS = {0o010000: "a named pipe", 0o040000: "a directory", 0o140000: "a socket"}


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
    _need_plain(found.st_mode, path)
    return found.st_ino


def _need_plain(mode: int, path: str) -> None:
    if mode & _KIND != _PLAIN:
        kind = _KINDS.get(mode & _KIND, "a device")
        raise StoreProblem(f"is {kind}, not a database", where=path, hint="move it away")


def _need_ours(connection: Connection, path: str) -> None:
    """Root runs nothing that somebody else has put into the database: its owner, or who has broken into a job. Raises
    StoreProblem where there is such a thing."""
    if os.geteuid() != 0:
        return
    try:
        found = connection.execute(_FOREIGN).fetchone()
    except DatabaseError as error:
        raise problem(error, path) from error
    if found:
        from ..printable import printable

        hint = "nothing of it is run as root; drop it, or move the file away"
        raise StoreProblem(f"holds a {found[0]} of somebody else, {printable(found[1])}", where=path, hint=hint)


_FOREIGN = """
SELECT CASE WHEN type = 'table' THEN 'virtual table' ELSE type END, name FROM sqlite_master
WHERE type = 'trigger' OR type = 'view' AND name NOT IN ('metrics', 'metrics_rolled_up') OR sql LIKE 'create virtual%'
"""


def _keeper(path: str) -> int:
    """Whom root opens it as: its owner, where the directory is his as well; 0 for root itself. SQLite writes the index
    of the log and gives it to the owner of the database, who may have put something else under its name."""
    if os.geteuid() != 0:
        return 0
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


def _version(connection: Connection, path: str) -> int:
    from_file: Cursor
    try:
        from_file = connection.execute("PRAGMA user_version")
        version = int(from_file.fetchone()[0])
        if OLDEST <= version <= EXPECTED:
            return version
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except DatabaseError as error:
        raise problem(error, path) from error
    if version == 0 and tables == 0:
        return 0
    if _was_ours(connection):
        raise Damaged("the database is damaged: its header names another schema than its tables", where=path)
    if version > EXPECTED:
        raise StoreProblem(
            f"the database has schema {version}, this program knows {EXPECTED}",
            where=path,
            hint="it was written by a newer version: upgrade belabox-metrics",
        )
    from .takeover.layout import layout_of

    try:
        if layout_of(connection):
            return GO
    except DatabaseError as error:
        raise problem(error, path) from error
    raise StoreProblem("the database is of another program or an older schema", where=path, hint="move it away")


def _was_ours(connection: Connection) -> bool:
    """Whether the tables say that this program knows them, whatever the header says."""
    from .schema import APPLICATION_ID

    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            return False
        found = connection.execute("SELECT max(version) FROM schema_version").fetchone()[0]
    except DatabaseError:
        return False
    return isinstance(found, int) and OLDEST <= found <= EXPECTED


# Stated here as well as in schema.py, which only the maker of a new database imports; a test holds them equal.
EXPECTED = 5
# From this one on migration.py knows the way.
OLDEST = 3
# No version of ours: rows as the Go system wrote them.
GO = -1


def quoted(path: str) -> str:
    """A path as part of a URI."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
