"""The compiled configuration: rows of (section, key, position, value)."""

from __future__ import annotations

from ..errors import Damaged
from .database import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Union

    Value = Union[str, int, float]
    Row = tuple[str, str, int, Value]


# More than any number of the configuration, and less than what SQLite takes for an integer.
_MOST = 2**53


def replace_settings(path: str, rows: list[Row]) -> None:
    """Make `rows` all that the table says, in one transaction. Nothing is written when it says so already."""
    store = Store(path)
    wanted = sorted(rows, key=lambda row: row[:3])
    have = store.connection().execute("SELECT section, key, position, value FROM settings ORDER BY 1, 2, 3").fetchall()
    if have == wanted:
        return
    with store.writing() as connection:
        connection.execute("DELETE FROM settings")
        connection.executemany("INSERT INTO settings VALUES (?, ?, ?, ?)", wanted)


def section(connection: Connection, name: str) -> dict[str, list[Value]]:
    """All keys of one section, each with its list of values. Empty where the section was never stored."""
    found: dict[str, list[Value]] = {}
    rows = connection.execute("SELECT key, value FROM settings WHERE section = ? ORDER BY key, position", (name,))
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return found


def first(found: dict[str, list[Value]], key: str, default: Value) -> Value:
    """The value of a key that holds one, from what `section` returned; `default` where it was never stored.

    Raises Damaged for a text in the place of a number, or the other way round: nobody has compiled that."""
    values = found.get(key)
    if not values:
        return default
    value = values[0]
    if isinstance(value, str) if isinstance(default, str) else isinstance(value, (int, float)) and abs(value) < _MOST:
        return value
    raise Damaged(f"the compiled setting {key} is {value!r:.40}", hint="the configuration is compiled anew")
