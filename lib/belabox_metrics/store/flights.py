"""Chunks that are about to be sent, written down before they are: whoever finds one here sends the very same bytes."""

from __future__ import annotations

from .queue import is_rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# Of the body, a line among the headers that is not sent: what a card made of it may pass to a server, for good.
_SUM = "crc32"


class Flight:
    """A chunk, or a part of one that was halved.

    priority, backlog: where it comes from; `backlog` is the id of a span, None for the queue itself.
    after_run, last_run: it is made of the runs of `priority` in (after_run, last_run].
    start, stop: of their samples, in order, it holds those from `start` up to `stop`.
    attempts: how often it was begun to be sent. id: 0 until it is written down. is_intact: the body is what was written
    down; nobody can tell where an earlier version has done that."""

    __slots__ = (
        "after_run",
        "attempts",
        "backlog",
        "batch_id",
        "body",
        "chunk_index",
        "headers",
        "id",
        "is_intact",
        "last_run",
        "last_timestamp_ms",
        "priority",
        "start",
        "stop",
    )

    def __init__(
        self,
        batch_id: str,
        chunk_index: int,
        priority: int,
        backlog: int | None,
        span: tuple[int, int],
        last_timestamp_ms: int,
        samples: tuple[int, int],
        headers: dict[str, str],
        body: bytes,
        attempts: int = 0,
        number: int = 0,
        *,
        is_intact: bool = True,
    ) -> None:
        self.batch_id = batch_id
        self.chunk_index = chunk_index
        self.priority = priority
        self.backlog = backlog
        self.after_run, self.last_run = span
        self.last_timestamp_ms = last_timestamp_ms
        self.start, self.stop = samples
        self.headers = headers
        self.body = body
        self.attempts = attempts
        self.id = number
        self.is_intact = is_intact

    @property
    def samples(self) -> int:
        return self.stop - self.start

    @property
    def is_rest(self) -> bool:
        return is_rest(self.priority, self.backlog)

    @property
    def key(self) -> str:
        """The same for the same bytes, another for others."""
        return f"{self.batch_id}-{self.chunk_index}-{self.start}-{self.stop}"

    @property
    def has_key(self) -> bool:
        """Whether that may be the value of a header: a card may have made it something else."""
        return self.key.isascii() and self.key.isprintable()


def claim(connection: Connection, flight: Flight) -> None:
    """Write it down. Inside a transaction."""
    made = connection.execute(
        "INSERT INTO flights (batch_id, chunk_index, priority, backlog, after_run, last_run, last_timestamp_ms,"
        " start, stop, attempts, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            flight.batch_id,
            flight.chunk_index,
            flight.priority,
            flight.backlog,
            flight.after_run,
            flight.last_run,
            flight.last_timestamp_ms,
            flight.start,
            flight.stop,
            flight.attempts,
            "".join([f"{name}: {value}\n" for name, value in (*flight.headers.items(), (_SUM, _sum(flight.body)))]),
            flight.body,
        ),
    )
    flight.id = int(made.lastrowid or 0)


def under_way(connection: Connection) -> list[Flight]:
    """All that were written down and have not come to an end, the most urgent first, of these the smallest: single
    samples that were refused show soonest what the server is like today."""
    rows = connection.execute(
        "SELECT batch_id, chunk_index, priority, backlog, after_run, last_run, last_timestamp_ms, start, stop,"
        " headers, body, attempts, id FROM flights ORDER BY priority, stop - start, id"
    )
    return [_flight(*row) for row in rows]


def _flight(
    batch_id: str,
    chunk_index: int,
    priority: int,
    backlog: int | None,
    after_run: int,
    last_run: int,
    last_timestamp_ms: int,
    start: int,
    stop: int,
    headers: str,
    body: bytes,
    *rest: int,
) -> Flight:
    fields = [line.partition(": ") for line in headers.splitlines()]
    found = {name: value for name, _, value in fields}
    is_intact = found.pop(_SUM, None) in (None, _sum(body))
    spans = (after_run, last_run), last_timestamp_ms, (start, stop)
    return Flight(batch_id, chunk_index, priority, backlog, *spans, found, body, *rest, is_intact=is_intact)


def _sum(body: bytes) -> str:
    from zlib import crc32

    return str(crc32(body)) if isinstance(body, bytes) else ""


def samples_under_way(connection: Connection) -> int:
    """How many numbers were sent at least once, or are about to be, and are not accepted yet."""
    return int(connection.execute("SELECT coalesce(sum(stop - start), 0) FROM flights").fetchone()[0])


def end(connection: Connection, flight: Flight) -> bool:
    """It has come to an end. Whether that was the last part of its chunk. Inside a transaction."""
    connection.execute("DELETE FROM flights WHERE id = ?", (flight.id,))
    left = connection.execute(
        "SELECT 1 FROM flights WHERE priority = ? AND backlog IS ? LIMIT 1", (flight.priority, flight.backlog)
    ).fetchone()
    return left is None


def begin(connection: Connection, flight: Flight) -> None:
    """It is about to be sent once more. Inside a transaction."""
    flight.attempts += 1
    connection.execute("UPDATE flights SET attempts = ? WHERE id = ?", (flight.attempts, flight.id))


def last_claimed(connection: Connection, priority: int, backlog: int | None) -> int:
    """Up to this run the queue of `priority`, or a span of it, is on its way; 0 when nothing of it is."""
    found = connection.execute(
        "SELECT max(last_run) FROM flights WHERE priority = ? AND backlog IS ?", (priority, backlog)
    ).fetchone()
    return int(found[0] or 0)
