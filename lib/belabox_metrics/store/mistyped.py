"""Values of a kind that their columns never had: what is left of a row whose head a card gives back otherwise.

SQLite's check looks for that in tables that are STRICT, which it has had since 3.37; ours are to be read by older ones.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

_KINDS = ("INTEGER", "TEXT", "REAL", "BLOB")


def mistyped(connection: Connection, table: str) -> str:
    """What is wrong with a table of ours, "" for nothing. Reads all of it."""
    tests = []
    for _, column, declared, never_null, _, is_key in connection.execute(f"PRAGMA table_info({table})").fetchall():
        if declared in _KINDS:  # a setting may be of any
            kinds = [declared.lower()] if never_null or is_key else [declared.lower(), "null"]
            tests.append(f"WHEN typeof({column}) NOT IN ({', '.join(map(repr, kinds))}) THEN '{column}'")
    if not tests:
        return ""
    wrong = f"CASE {' '.join(tests)} END"
    query = f"SELECT {wrong} FROM {table} WHERE {wrong} IS NOT NULL LIMIT 1"  # noqa: S608 - names of our schema
    found = connection.execute(query).fetchone()
    return f"the database is damaged: {table}.{found[0]} holds what was never stored there" if found else ""
