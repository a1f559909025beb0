"""The compiled configuration, as jobs read it: the keys of a section, a list of values each."""

from __future__ import annotations

from ..errors import Damaged
from .sqlite import Torn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Union

    Value = Union[str, int, float]


_INFINITE = float("inf")


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
    raise Damaged(f"the setting {key} is not what was compiled", hint="belabox-metrics doctor --only database")


def shown(found: dict[str, list[Value]], key: str, default: Value) -> Value:
    """The same for who only shows it: the default too where it is none."""
    try:
        return first(found, key, default)
    except Damaged:
        return default
