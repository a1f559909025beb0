"""SQLite's bindings at the price of their C part: `connect` and `DatabaseError`.

The `sqlite3` package imports datetime and collections around it. And the C part itself imports `functools`, which
imports `collections`, for one name: `lru_cache`, its cache of statements. That would be a tenth of what a collection
costs. So while it loads it is shown that one name alone, made of the same C function that functools makes it of;
whoever imports functools afterwards gets the real one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from types import ModuleType
    from typing import Any, Callable


# What was read of CPython's Modules/_sqlite and tried: newer ones import it the dear way until somebody looks.
OLDEST = (3, 9)
NEWEST = (3, 13)


def _bindings() -> ModuleType:
    try:
        with _LruCacheOnly():
            import _sqlite3
    except ImportError:  # an interpreter that has them elsewhere
        import sqlite3

        return sqlite3
    return _sqlite3


class _LruCacheOnly:
    """A stand-in for functools as long as the block lasts; none where the real one is loaded or can't be imitated."""

    def __enter__(self) -> None:
        self._installed = False
        if "functools" in sys.modules or not OLDEST <= sys.version_info[:2] <= NEWEST:
            return
        try:
            from _functools import _lru_cache_wrapper  # type: ignore[import-not-found]
        except ImportError:
            return

        def lru_cache(maxsize: int) -> Callable[[Callable[..., Any]], Any]:
            # The last argument makes the answer of cache_info(), which nobody asks for.
            return lambda function: _lru_cache_wrapper(function, maxsize, False, tuple)

        stand_in = type(sys)("functools")
        stand_in.lru_cache = lru_cache  # type: ignore[attr-defined]
        sys.modules["functools"] = stand_in
        self._installed = True

    def __exit__(self, *_: object) -> None:
        if self._installed:
            del sys.modules["functools"]


_sqlite = _bindings()
DatabaseError: type[Exception] = _sqlite.DatabaseError
# What SQLite says of a table whose name, as a card gave it back, is no text is no text either.
UNREADABLE: tuple[type[Exception], ...] = (DatabaseError, UnicodeDecodeError)


def connect(path: str, **options: Any) -> Connection:
    """As sqlite3.connect, but that a text which is none is Torn: a job must not fail, and for good, for one turned bit
    in what the last one wrote."""
    connection: Connection = _sqlite.connect(path, **options)
    connection.text_factory = _text
    return connection


class Torn(str):
    """What is left of a text that a card gives back otherwise: to be looked at, and not to go by."""

    __slots__ = ()


def _text(stored: bytes) -> str:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return Torn(stored.decode("utf-8", "replace"))


def connect_warily(path: str, **options: Any) -> Connection:
    """The same for a file that was moved aside, copied, or made by another program: what stands in its views and
    indexes may not call what does more than reckon. (Of ours SQLite would not read the views, which call JSON.)"""
    connection = connect(path, **options)
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection
