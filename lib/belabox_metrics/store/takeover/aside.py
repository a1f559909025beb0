"""Moving a database of the Go system out of the way, whole, under the lock of all writers.

The Go program holds that same lock for as long as it runs, so it is not running any more. Its log is folded into the
file first: then one rename(2) does it, and whoever dies anywhere leaves either the old state or the new one.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from ...errors import StoreProblem, TryLater
from .. import figures, sqlite
from ..database import DatabaseError, problem
from ..lock import Lock
from .layout import layout_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .layout import Layout

KEPT = ".go-v"
# Where the requirements of that system put it, below the folder where its milestones had it.
ELSEWHERE = "/active/metrics.db"
MOST = 9
# For others who only look whose database it is.
PATIENCE_S = 5.0


def move(connection: Connection, path: str, lock: Lock) -> None:
    """Move it aside, unless somebody has been quicker. `connection` is open on it, and is closed.

    Raises TryLater while another program has it open, StoreProblem where the folder can't be changed."""
    lock.acquire()
    try:
        # By its file SQLite knows whether it is still the one at this name, and else tidies nothing up.
        connection.close()
        _move(path, path)
    finally:
        lock.release()


def find(path: str) -> str:
    """The file beside `path` whose rows are still to come, "" for none; the lock is held, there is no database.

    What lies where the requirements put it is fetched."""
    kept = _kept(path)
    elsewhere = (path.rpartition("/")[0] or ".") + ELSEWHERE
    if kept or not os.access(elsewhere, os.F_OK):
        return kept
    other = Lock(elsewhere + ".lock", 1.0)
    other.acquire()
    try:
        _move(elsewhere, path)
    finally:
        other.release()
    return _kept(path)


def _kept(path: str) -> str:
    folder, _, name = path.rpartition("/")
    try:
        found = [entry for entry in os.listdir(folder or ".") if entry.startswith(name + KEPT)]
    except OSError:
        return ""
    whole = [entry for entry in sorted(found) if not entry.endswith(("-wal", "-shm", "-journal"))]
    return f"{folder or '.'}/{whole[0]}" if whole else ""


def _move(path: str, beside: str) -> None:
    """The file at `path` becomes `beside`.go-vN. The lock is held."""
    if not os.access(path, os.F_OK):
        return
    try:
        layout = _alone(path)
    except DatabaseError as error:
        raise problem(error, path) from error
    if layout is None:
        return
    kept = _free_name(f"{beside}{KEPT}{layout.version}")
    try:
        # Twice: others who only look at it may have made them anew. A new database must not find them.
        _remove_log(path)
        os.rename(path, kept)
        _remove_log(path)
        sync_folder(kept)
    except OSError as error:
        raise StoreProblem(f"can't be moved aside: {error.strerror}", where=path) from error


def _alone(path: str) -> Layout | None:
    """Fold its log into the file, which is then all there is of it. None for a database of somebody else."""
    connection = sqlite.connect_warily(path, timeout=PATIENCE_S, isolation_level=None)
    try:
        layout = layout_of(connection)
        if layout is None:
            return None
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    if busy or figures.size(path + "-wal"):
        raise TryLater(
            "this database of the Go system is in use", where=path, hint="stop whatever has it open: fuser -v " + path
        )
    return layout


def _remove_log(path: str) -> None:
    """It is empty. Its index is worth nothing without it."""
    for tail in ("-wal", "-shm"):
        if os.access(path + tail, os.F_OK):
            os.unlink(path + tail)


def _free_name(name: str) -> str:
    for at in range(1, MOST + 1):
        found = name if at == 1 else f"{name}-{at}"
        if not os.access(found, os.F_OK):
            return found
    raise StoreProblem("there are too many of its kind already", where=name, hint="move them elsewhere")


def sync_folder(path: str) -> None:
    """What was renamed or removed beside `path` outlasts a power cut."""
    descriptor = os.open(path.rpartition("/")[0] or ".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
