"""The rows of a database of the Go system follow into ours, and the file goes when all are in."""

from __future__ import annotations

import posix as os  # as environment.py says

from ...errors import StoreProblem
from .. import importer
from ..database import DatabaseError, problem
from ..sqlite import UNREADABLE
from .aside import KEPT, sync_folder
from .rows import END, Rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..database import Store
    from ..importer import Import


def is_waiting(store: Store) -> bool:
    """Whether rows of the Go system are still to come, or all have and the file is still to go: somebody was killed
    between the two."""
    state = importer.standing(store.connection())
    if state is None or KEPT not in state.name:
        return False
    return not state.done or (not state.left and os.access(_kept(store, state), os.F_OK))


def device_id(store: Store) -> str:
    """What the Go system called this box last, "" where it did not, or where that can't be read."""
    state = importer.standing(store.connection())
    try:
        rows = Rows(_kept(store, state), state.upto) if state else None
    except UNREADABLE:
        return ""
    if rows is None:
        return ""
    try:
        return rows.device_id()
    finally:
        rows.close()


def resume(store: Store, until: float, tell: Callable[[Import], None] = lambda _: None) -> Import:
    """Bring in more of it, until the time.monotonic() of `until`. Where that was the last and every row is in, the file
    is removed: nothing is in it that is not here, and synced. A damaged one is not: it may have rows that nobody sees.

    Raises StoreProblem where the file is not there or can't be read, TryLater where another process does the same."""
    connection = store.connection()
    state = importer.standing(connection)
    if state is None or KEPT not in state.name:
        raise StoreProblem("there is nothing to take over", where=store.path)
    kept = _kept(store, state)
    try:
        # What it left out at the beginning it leaves out to the end.
        rows = Rows(kept, state.upto)
    except UNREADABLE as error:
        if not os.access(kept, os.F_OK):
            return _gone(store, kept)
        raise problem(error, kept) from error
    try:
        state = importer.go_on(store, rows, until, tell)
        whole = state.done and not state.left and state.rows == rows.count() and rows.is_sound()
    except DatabaseError as error:
        raise problem(error, kept) from error
    finally:
        rows.close()
    if whole:
        _remove(kept)
    return state


def _gone(store: Store, kept: str) -> Import:
    """Removed when all was in; then the power went, or another process was quicker."""
    state = importer.standing(store.connection())
    if state and state.done:
        return state
    if state and state.cursor == END:
        return importer.finish(store, state)
    raise StoreProblem("is gone, with rows that were to follow", where=kept, hint="put it back")


def _remove(kept: str) -> None:
    """Two processes that each saw the end of it come here both."""
    try:
        os.unlink(kept)
        sync_folder(kept)
    except FileNotFoundError:
        return
    except OSError as error:
        what = f"every row of it is in, and it can't be removed: {error.strerror}"
        raise StoreProblem(what, where=kept) from error


def is_kept(store: Store, state: Import) -> bool:
    """Whether the file is there still."""
    return os.access(_kept(store, state), os.F_OK)


def _kept(store: Store, state: Import) -> str:
    return f"{store.path.rpartition('/')[0] or '.'}/{state.name}"
