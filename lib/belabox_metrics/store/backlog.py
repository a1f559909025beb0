"""What waited through an outage: spans of runs that drain behind what is sampled now."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    Row = tuple[int, int, int, int]


def spans(connection: Connection) -> list[Row]:
    """(id, priority, after_run, upto_run) of each, the most urgent first, then the oldest."""
    return connection.execute(
        "SELECT id, priority, after_run, upto_run FROM backlog ORDER BY priority, after_run"
    ).fetchall()


def add(connection: Connection, priority: int, after: int, upto: int) -> None:
    """The runs of `priority` in (after, upto] wait here from now on. Inside a transaction."""
    # One that ends where this begins is made longer: a link that flaps for a day leaves one span and not a hundred.
    longer = connection.execute(
        "UPDATE backlog SET upto_run = ? WHERE priority = ? AND upto_run = ?", (upto, priority, after)
    )
    if not longer.rowcount:
        connection.execute(
            "INSERT INTO backlog (priority, after_run, upto_run) VALUES (?, ?, ?)", (priority, after, upto)
        )


def advance(connection: Connection, span: int, run: int) -> None:
    """Everything of the span up to `run` is settled; a span with nothing left is no more. Inside a transaction."""
    connection.execute("UPDATE backlog SET after_run = max(after_run, ?) WHERE id = ?", (run, span))
    connection.execute("DELETE FROM backlog WHERE id = ? AND after_run >= upto_run", (span,))
