"""The compiled configuration: rows of (section, key, position, value)."""

from __future__ import annotations

from ..errors import Damaged
from .database import DatabaseError, Store, problem
from .sqlite import Torn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Union

    Value = Union[str, int, float]
    Row = tuple[str, str, int, Value]


_INFINITE = float("inf")
# Where the settings begin: a sum of all others, by which it is known that a card gives back what was compiled.
_SUM = ("", "sum", 0)


def replace_settings(path: str, rows: list[Row]) -> None:
    """Make `rows` all that the table says, in one transaction. Nothing is written when it says so already."""
    store = Store(path)
    wanted = [(*_SUM, _sum(rows)), *sorted(rows, key=lambda row: row[:3])]
    connection = store.connection()
    try:
        if _told(_all(connection)) == _told(wanted):
            return
    except DatabaseError as error:
        raise problem(error, path) from error
    with store.writing() as connection:
        connection.execute("DELETE FROM settings")
        connection.executemany("INSERT INTO settings VALUES (?, ?, ?, ?)", wanted)


def are(connection: Connection, rows: list[Row]) -> bool:
    """Whether the settings are these."""
    have = [row for row in _all(connection) if row[:3] != _SUM]
    return have == sorted(rows, key=lambda row: row[:3])


def are_whole(connection: Connection) -> bool:
    """Whether all settings are what was compiled. Nobody can tell where an older version of this program has."""
    rows = _all(connection)
    sums = [row for row in rows if row[0] == _SUM[0]]
    return not sums or sums == [(*_SUM, _sum([row for row in rows if row not in sums]))]


def _all(connection: Connection) -> list[Row]:
    return connection.execute("SELECT section, key, position, value FROM settings ORDER BY 1, 2, 3").fetchall()


def _sum(rows: list[Row]) -> int:
    from zlib import crc32

    return crc32("\n".join(sorted(_told(rows))).encode())


def _told(rows: list[Row]) -> list[str]:
    """1 and 1.0 are equal and not the same. A bool is stored as a number."""
    return [ascii([*row[:3], row[3] + 0 if isinstance(row[3], bool) else row[3]]) for row in rows]


def section(connection: Connection, name: str) -> dict[str, list[Value]]:
    """All keys of one section, each with its list of values. Empty where the section was never stored."""
    found: dict[str, list[Value]] = {}
    rows = connection.execute("SELECT key, value FROM settings WHERE section = ? ORDER BY key, position", (name,))
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return found


def first(found: dict[str, list[Value]], key: str, default: Value) -> Value:
    """The value of a key that holds one, from what `section` returned; `default` where it was never stored.

    Raises Damaged for a text in the place of a number, or the other way round: nobody has compiled that. It is not
    told, since it may be part of an address with a password in it."""
    values = found.get(key)
    if not values:
        return default
    value = values[0]
    kinds = str if isinstance(default, str) else (int, float)
    if isinstance(value, kinds) and not isinstance(value, Torn) and value not in (_INFINITE, -_INFINITE):
        return value
    raise Damaged(f"the setting {key} is not what was compiled")


def shown(found: dict[str, list[Value]], key: str, default: Value) -> Value:
    """The same for who only shows it: the default too where it is none."""
    try:
        return first(found, key, default)
    except Damaged:
        return default
