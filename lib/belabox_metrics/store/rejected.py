"""Samples that the server refused while it took their neighbours: set aside with its reason, to be looked at."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .queue import PendingRun

# A server that refuses more than that has another problem than single samples.
KEPT = 10_000


def set_aside(
    connection: Connection, run: PendingRun, position: int, value: float, status: int, reason: str, now_ms: int
) -> None:
    """The value at `position` of `run` is not sent again. Inside a transaction."""
    name, tags = connection.execute(
        "SELECT name, tags FROM series WHERE shape = ? AND position = ?", (run.shape, position)
    ).fetchone()
    made = connection.execute(
        "INSERT INTO rejected (run, position, timestamp_ms, name, tags, value, status, reason, rejected_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (run.id, position, run.timestamp_ms, name, tags, value, status, reason, now_ms),
    )
    connection.execute("DELETE FROM rejected WHERE id <= ?", (int(made.lastrowid or 0) - KEPT,))


def summary(connection: Connection) -> tuple[int, str]:
    """How many there are, and the reason of the newest."""
    newest = connection.execute("SELECT status, reason FROM rejected ORDER BY id DESC LIMIT 1").fetchone()
    if newest is None:
        return 0, ""
    number = connection.execute("SELECT count(*) FROM rejected").fetchone()[0]
    return int(number), f"{newest[0]} {newest[1]}".strip()
