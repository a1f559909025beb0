"""Values of a kind that their columns never had: what is left of a row whose head a card gives back otherwise.

SQLite's check looks for that in tables that are STRICT, which it has had since 3.37; ours are to be read by older ones.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection


def mistyped(connection: Connection, table: str) -> str:
    """What is wrong with a table of ours, "" for nothing. Reads all of it."""
    for _, column, declared, never_null, _, is_key in connection.execute(f"PRAGMA table_info({table})").fetchall():
        if not declared:  # whatever a setting is
            continue
        kinds = [declared.lower()] if never_null or is_key else [declared.lower(), "null"]
        is_wrong = f"typeof({column}) NOT IN ({', '.join(map(repr, kinds))})"
        query = f"SELECT 1 FROM {table} WHERE {is_wrong} LIMIT 1"  # noqa: S608 - names of our schema
        if connection.execute(query).fetchone():
            return f"the database is damaged: {table}.{column} holds what was never stored there"
    return ""
