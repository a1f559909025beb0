"""What is still to be sent: a position in the order of runs for each priority."""

from __future__ import annotations

from ..errors import Damaged
from ..json_text import parse
from .runs import signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment

PRIORITIES = (0, 1, 2, 3)
# As many of the newest are kept for people to look at.
CHECKPOINTS_KEPT = 1000
# After everything that there is.
END = 2**63 - 1

Series = tuple[str, str]  # name, canonical tags


def is_rest(priority: int, span: int | None) -> bool:
    """Neither critical nor high, nor of now: `span` is the id in the backlog of what drains behind, else None."""
    return priority > 1 or span is not None


class PendingRun:
    """A run with something to send: `numbers` are (position in the shape, value), `session` its UUID or "".

    `boot`, `boottime_ms` and `synchronized` tell what its time is worth; `values`: how many it has, texts and nulls
    too, which is as many as its shape has series."""

    __slots__ = ("boot", "boottime_ms", "id", "numbers", "session", "shape", "synchronized", "timestamp_ms", "values")

    def __init__(
        self,
        number: int,
        timestamp_ms: int,
        shape: int,
        numbers: list[tuple[int, float]],
        session: str = "",
        boot: int = 0,
        boottime_ms: int = 0,
        synchronized: bool = True,
        values: int = 0,
    ) -> None:
        self.id = number
        self.timestamp_ms = timestamp_ms
        self.shape = shape
        self.numbers = numbers
        self.session = session
        self.boot = boot
        self.boottime_ms = boottime_ms
        self.synchronized = synchronized
        self.values = values


def waiting(connection: Connection, priority: int, after: int, upto: int, samples: int) -> list[PendingRun]:
    """The oldest runs of `priority` in (after, upto] that have numbers, with about `samples` of them in all, one run at
    least."""
    found: list[PendingRun] = []
    wanted = samples
    rows = connection.execute(
        "SELECT runs.id, runs.id - lead_ms, shape, packed, sessions.id, boot, boottime_ms, synchronized"
        " FROM runs LEFT JOIN sessions ON sessions.number = runs.session"
        " WHERE runs.id > ? AND runs.id <= ? AND priority = ? AND packed IS NOT NULL ORDER BY runs.id",
        (after, upto, priority),
    )
    for number, timestamp_ms, shape, packed, session, boot, boottime_ms, synchronized in rows:
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
        clock = boot, boottime_ms, bool(synchronized)
        found.append(PendingRun(number, timestamp_ms, shape, numbers, session or "", *clock, len(values)))
        wanted -= len(numbers)
    return found


def pending(connection: Connection, priority: int, samples: int) -> list[PendingRun]:
    """The oldest runs of `priority` behind its position, with about `samples` numbers."""
    return waiting(connection, priority, position(connection, priority), END, samples)


def position(connection: Connection, priority: int) -> int:
    """Up to this run all of `priority` is sent, or waits in the backlog."""
    return int(connection.execute("SELECT run FROM positions WHERE priority = ?", (priority,)).fetchone()[0])


def oldest(connection: Connection, priority: int) -> tuple[str, int] | None:
    """Boot id and CLOCK_BOOTTIME (ms) of the run of `priority` that waits longest behind its position; None when none
    does."""
    found = connection.execute(
        "SELECT boot_id, boottime_ms FROM runs JOIN boots ON boots.id = runs.boot"
        " WHERE runs.id > (SELECT run FROM positions WHERE priority = ?1) AND priority = ?1 AND packed IS NOT NULL"
        " ORDER BY runs.id LIMIT 1",
        (priority,),
    ).fetchone()
    return (str(found[0]), int(found[1])) if found else None


def frontier(connection: Connection) -> int:
    """The id of the newest run, 0 in an empty database."""
    return int(connection.execute("SELECT max(id) FROM runs").fetchone()[0] or 0)


def totals(connection: Connection) -> tuple[int, int, int]:
    """How many numbers were ever stored, less those that left the queue unsent; how many were sent and set aside. All
    are kept while writing: counting what waits would take the longer the longer an outage lasts."""
    stored = connection.execute("SELECT coalesce(sum(samples_total), 0) FROM jobs").fetchone()[0]
    sent, rejected, unsent = connection.execute(
        "SELECT coalesce(sum(samples_sent), 0), coalesce(sum(samples_rejected), 0),"
        " coalesce(sum(samples_unsent + dropped_pending), 0) FROM positions"
    ).fetchone()
    return int(stored) - int(unsent), int(sent), int(rejected)


def pending_count(connection: Connection) -> int:
    """How many numbers wait to be sent."""
    stored, sent, rejected = totals(connection)
    return stored - sent - rejected


def series_of(connection: Connection, shape: int) -> list[Series]:
    """The series of a shape, in the order of its values. Raises Damaged where they are not what was signed: what is
    sent would be of another series for good. None for a number that no shape has: it is the run that is wrong then, and
    must not keep the others back."""
    rows = connection.execute("SELECT name, tags, position FROM series WHERE shape = ? ORDER BY position", (shape,))
    placed = rows.fetchall()
    found = [(name, tags) for name, tags, _ in placed]
    signed = connection.execute("SELECT signature FROM shapes WHERE id = ?", (shape,)).fetchone()
    if not found and signed is None:
        return []
    # The first may have another place, and still be the first.
    is_in_place = all(position == at for at, (*_, position) in enumerate(placed))
    if signed is None or signed[0] != signature(found) or not is_in_place:
        raise Damaged("the database is damaged: the series of a shape are not what was stored")
    return found


def advance(connection: Connection, priority: int, run: int) -> None:
    """Everything of `priority` up to `run` is settled. Inside a transaction."""
    connection.execute("UPDATE positions SET run = max(run, ?) WHERE priority = ?", (run, priority))


def count(connection: Connection, priority: int, sent: int = 0, rejected: int = 0) -> None:
    """So many numbers of `priority` were sent, or set aside; less than 0 to take it back. Inside a transaction."""
    connection.execute(
        "UPDATE positions SET samples_sent = samples_sent + ?, samples_rejected = samples_rejected + ?"
        " WHERE priority = ?",
        (sent, rejected, priority),
    )


def give_up(connection: Connection, priority: int, samples: int) -> None:
    """So many numbers of `priority` leave the queue and were never sent: they became old while nobody wanted any.
    Inside a transaction."""
    connection.execute(
        "UPDATE positions SET samples_unsent = samples_unsent + ? WHERE priority = ?", (samples, priority)
    )


def drop(connection: Connection, priority: int, now_ms: int, pending: int = 0, sent: int = 0) -> None:
    """There is no room for so many numbers of `priority`: some that wait and some that were sent. Inside a
    transaction."""
    connection.execute(
        "UPDATE positions SET dropped_pending = dropped_pending + ?, dropped_sent = dropped_sent + ?, dropped_ms = ?"
        " WHERE priority = ?",
        (pending, sent, now_ms, priority),
    )


class Dropped:
    """What there was no room for, in numbers of samples by priority; `last_ms`: Unix time, 0 for never."""

    __slots__ = ("last_ms", "pending", "sent")

    def __init__(self, rows: list[tuple[int, int, int, int | None]]) -> None:
        self.pending = {priority: int(waiting) for priority, waiting, _, _ in rows}
        self.sent = {priority: int(gone) for priority, _, gone, _ in rows}
        self.last_ms = max((int(stamp or 0) for *_, stamp in rows), default=0)


def dropped(connection: Connection) -> Dropped:
    """All that there ever was no room for."""
    rows = connection.execute("SELECT priority, dropped_pending, dropped_sent, dropped_ms FROM positions ORDER BY 1")
    return Dropped(rows.fetchall())


def note_sent(connection: Connection, priority: int, moment: Moment) -> None:
    """Nothing of `priority` was left at this moment. Inside a transaction."""
    connection.execute(
        "UPDATE positions SET sent_boot = (SELECT id FROM boots WHERE boot_id = ?), sent_boottime_ms = ?"
        " WHERE priority = ?",
        (moment.boot_id, moment.boottime_ms, priority),
    )


def since_sent(connection: Connection, priority: int, moment: Moment) -> int | None:
    """How many ms ago nothing of `priority` was left; None when that was not in this boot."""
    row = connection.execute(
        "SELECT sent_boottime_ms FROM positions JOIN boots ON boots.id = sent_boot WHERE priority = ? AND boot_id = ?",
        (priority, moment.boot_id),
    ).fetchone()
    return max(0, moment.boottime_ms - int(row[0])) if row else None


def note_chunk(
    connection: Connection, batch: str, index: int, last_run: int, last_timestamp_ms: int, upload_ms: int, samples: int
) -> None:
    """One more line in `upload_checkpoints`. Inside the transaction that advances the position."""
    made = connection.execute(
        "INSERT INTO upload_checkpoints (batch_id, chunk_index, last_uploaded_id, last_uploaded_timestamp,"
        " upload_time, metrics_count) VALUES (?, ?, ?, ?, ?, ?)",
        (batch, index, last_run, last_timestamp_ms, upload_ms, samples),
    )
    oldest = int(made.lastrowid or 0) - CHECKPOINTS_KEPT
    connection.execute("DELETE FROM upload_checkpoints WHERE id <= ?", (oldest,))
