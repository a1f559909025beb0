"""Where an import stands, as it is written down: JSON, of which a card may have made something else."""

from __future__ import annotations

import json
import posix as os  # as environment.py says

from . import quarantine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from sqlite3 import Connection

# Of a cursor: what the takeover calls its end, and its place before that.
_END = "end"
_PLACE = {"at", "id"}


def document(text: object, keys: Collection[str], waits: int) -> dict[str, object] | None:
    """What `text` says of each of `keys`, in `waits` that many numbers; None where it can't be what was written."""
    found = _parsed(text)
    if not isinstance(found, dict) or set(found) != set(keys):
        return None
    of_queue, cursor, done = found["waits"], found["cursor"], found["done"]
    if not isinstance(of_queue, list) or len(of_queue) != waits or not isinstance(done, bool):
        return None
    numbers = [value for key, value in found.items() if key not in ("waits", "cursor", "done")]
    return found if _is_cursor(cursor) and all(map(_is_number, [*numbers, *of_queue])) else None


def is_awaited(connection: Connection, name: str) -> bool:
    """Whether there is something beside the database that the import of `name` may still have to bring in."""
    path = str(connection.execute("PRAGMA database_list").fetchone()[2])
    if quarantine.is_name(name):
        return bool(quarantine.unsalvaged(path))
    return os.access(f"{path.rpartition('/')[0] or '.'}/{name}", os.F_OK)


def _is_cursor(cursor: object) -> bool:
    if not isinstance(cursor, str):
        return False
    # Below all ids is -1: of a wreck without a run.
    if cursor in ("", _END, "-1") or cursor.isdecimal():
        return True
    place = _parsed(cursor)
    return isinstance(place, dict) and set(place) >= _PLACE and all(map(_is_number, place.values()))


def _is_number(value: object) -> bool:
    """As SQLite has them; to Python a bool is one."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _parsed(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
