"""What a database of the Go system looks like: a row for each sample, as its two milestones and its requirements spell
it. Columns that one of them lacks, and columns of a person's own, are no hindrance."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# In the order of what rows.py unpacks; what an older one has not stands as what it meant.
_COLUMNS = (
    ("metric_name", ""),
    ("metric_value", ""),
    ("value_text", "NULL"),
    ("value_type", "0"),
    ("tags", "NULL"),
    ("session_id", "NULL"),
    ("device_id", "NULL"),
    # Milestone 1 did not note it, and milestone 2 took its rows for not uploaded when it migrated them.
    ("uploaded", "0"),
    ("priority", "2"),
)


class Layout:
    """`version`: 1 before uploads were tracked, else 2. `time`: the column of time. `columns`: what to select."""

    __slots__ = ("columns", "has_sessions", "time", "version")

    def __init__(self, names: set[str], has_sessions: bool) -> None:
        self.version = 2 if "uploaded" in names else 1
        self.time = "timestamp_ms" if "timestamp_ms" in names else "timestamp"
        self.columns = ", ".join([name if name in names else instead for name, instead in _COLUMNS])
        self.has_sessions = has_sessions


def layout_of(connection: Connection) -> Layout | None:
    """None for a database of somebody else, ours too."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "metrics" not in tables:
        return None
    names = {str(row[0]) for row in connection.execute("SELECT name FROM pragma_table_info('metrics')")}
    if not {"metric_name", "metric_value"} <= names or not {"timestamp", "timestamp_ms"} & names:
        return None
    return Layout(names, "sessions" in tables)
