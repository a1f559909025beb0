"""What is still to be sent: a position in the order of runs for each priority."""

from __future__ import annotations

from ..json_text import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

PRIORITIES = (0, 1, 2, 3)
# As many of the newest are kept for people to look at.
CHECKPOINTS_KEPT = 1000

Series = tuple[str, str]  # name, canonical tags


class PendingRun:
    """A run with something to send: `numbers` are (position in the shape, value)."""

    __slots__ = ("id", "numbers", "shape", "timestamp_ms")

    def __init__(self, number: int, timestamp_ms: int, shape: int, numbers: list[tuple[int, float]]) -> None:
        self.id = number
        self.timestamp_ms = timestamp_ms
        self.shape = shape
        self.numbers = numbers


def pending(connection: Connection, priority: int, samples: int) -> list[PendingRun]:
    """The oldest runs of `priority` not sent yet, with about `samples` numbers in all, one run at least."""
    found: list[PendingRun] = []
    wanted = samples
    rows = connection.execute(
        "SELECT id, timestamp_ms, shape, packed FROM runs"
        " WHERE id > (SELECT run FROM positions WHERE priority = ?1) AND priority = ?1 AND packed IS NOT NULL"
        " ORDER BY id",
        (priority,),
    )
    for number, timestamp_ms, shape, packed in rows:
        try:
            values = parse(packed)
        except ValueError:  # a damaged row must not keep the others back
            continue
        if not isinstance(values, list):
            continue
        # Texts stay on the box, null is a series without a value this time.
        numbers = [(at, value) for at, value in enumerate(values) if isinstance(value, (int, float))]
        if not numbers:
            continue
        if found and len(numbers) > wanted:
            break
        found.append(PendingRun(number, timestamp_ms, shape, numbers))
        wanted -= len(numbers)
    return found


def frontier(connection: Connection) -> int:
    """The id of the newest run, 0 in an empty database."""
    return int(connection.execute("SELECT max(id) FROM runs").fetchone()[0] or 0)


def totals(connection: Connection) -> tuple[int, int]:
    """How many numbers were ever stored, and how many were ever sent. Both are kept while writing: counting what waits
    would take the longer the longer an outage lasts."""
    stored = connection.execute("SELECT coalesce(sum(samples_total), 0) FROM jobs").fetchone()[0]
    sent = connection.execute("SELECT coalesce(sum(samples_sent), 0) FROM positions").fetchone()[0]
    return int(stored), int(sent)


def pending_count(connection: Connection) -> int:
    """How many numbers wait to be sent."""
    stored, sent = totals(connection)
    return stored - sent


def series_of(connection: Connection, shape: int) -> list[Series]:
    """The series of a shape, in the order of its values."""
    return connection.execute("SELECT name, tags FROM series WHERE shape = ? ORDER BY position", (shape,)).fetchall()


def advance(connection: Connection, priority: int, run: int, samples: int) -> None:
    """Everything of `priority` up to `run` is sent, `samples` numbers more than before. Inside a transaction."""
    connection.execute(
        "UPDATE positions SET run = max(run, ?), samples_sent = samples_sent + ? WHERE priority = ?",
        (run, samples, priority),
    )


def note_chunk(connection: Connection, batch: str, index: int, last: PendingRun, upload_ms: int, count: int) -> None:
    """One more line in `upload_checkpoints`. Inside the transaction that advances the position."""
    made = connection.execute(
        "INSERT INTO upload_checkpoints (batch_id, chunk_index, last_uploaded_id, last_uploaded_timestamp,"
        " upload_time, metrics_count) VALUES (?, ?, ?, ?, ?, ?)",
        (batch, index, last.id, last.timestamp_ms, upload_ms, count),
    )
    oldest = int(made.lastrowid or 0) - CHECKPOINTS_KEPT
    connection.execute("DELETE FROM upload_checkpoints WHERE id <= ?", (oldest,))
