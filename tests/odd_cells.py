"""Cells of a database that hold what nobody has stored there, as a card makes them: of another kind, gone, no text."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

_RULES = re.compile(
    r"\b(INTEGER|TEXT|REAL|BLOB)\b(?! PRIMARY KEY)|NOT NULL|CHECK \([^)]*\)|\bUNIQUE\b(?! \()|\bUNIQUE( \([^)]*\))"
)


@contextmanager
def loose(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to whose tables anything may be given, which their indexes are not told. Then they are what they
    were, and SQLite finds nothing wrong with the pages."""
    with closing(sqlite3.connect(path)) as connection:
        schema = connection.execute("SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_master").fetchall()
        connection.execute("PRAGMA writable_schema=ON")
        for row in schema:
            if row[1] == "table":
                connection.execute(
                    "UPDATE sqlite_master SET sql = ? WHERE rowid = ?", (_RULES.sub(_nothing, row[5]), row[0])
                )
        connection.execute("DELETE FROM sqlite_master WHERE type = 'index'")
        connection.commit()
        connection.execute("PRAGMA writable_schema=RESET")
        yield connection
        connection.commit()
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("DELETE FROM sqlite_master")
        connection.executemany(
            "INSERT INTO sqlite_master (rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)", schema
        )
        connection.commit()


def _nothing(rule: re.Match[str]) -> str:
    """A constraint of the whole table stands after a comma."""
    return "CHECK (1)" if rule[2] else ""


def columns(path: Path) -> list[tuple[str, str]]:
    """(table, column) of all there are."""
    with closing(sqlite3.connect(path)) as connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid"
        return [
            (table, row[1])
            for (table,) in connection.execute(tables).fetchall()
            for row in connection.execute(f"PRAGMA table_info({table})")
        ]


def put(
    connection: sqlite3.Connection, table: str, column: str, row: int, value: object, *, as_text: bool = False
) -> bool:
    """Into the `row`th there is, by a connection of `loose`; whether it is another than was there. `as_text`: bytes as
    a text, which may be none. Where a key is taken nothing is done."""
    key = connection.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE pk ORDER BY pk").fetchall()
    names = ", ".join(name for (name,) in key) or "rowid"
    new = "CAST(?1 AS TEXT)" if as_text else "?1"
    one = f"({names}) = (SELECT {names} FROM {table} LIMIT 1 OFFSET ?2) AND {column} IS NOT {new}"
    with suppress(sqlite3.Error):
        return connection.execute(f"UPDATE {table} SET {column} = {new} WHERE {one}", (value, row)).rowcount > 0
    return False
