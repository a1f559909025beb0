"""The table of sessions: one row a stream, written by what a reading says of them.

A run is marked with the session that is active when it is stored. A session is noticed some seconds after its start
and given up some seconds after its end, so the runs of these seconds are marked again, both ways.
"""

from __future__ import annotations

from ..json_text import parse
from ..stream.session import ACTIVE, COMPLETED, FAILED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..stream.session import Session, SessionChange

# Runs stored before their session was noticed are looked for so far back. Longer ago there was no collector.
LATE_MS = 300_000
# A start that moves by less is the rounding of two clocks.
JITTER_MS = 1_000

# Events of `stream.events` after which the stream was not arriving, and those that ended that.
LOST = (
    (("srt_lost", "pipeline_stall", "capture_error"), ("srt_connected",)),
    (("all_links_down", "relay_unreachable"), ("link_up", "srt_connected")),
)


def apply(connection: Connection, change: SessionChange, moment: Moment) -> str:
    """Make the table say what `change` says, inside a transaction of `Store.writing`, after the run that says so.

    Nothing is written when it does already. The id of the live session, "" for none."""
    active = connection.execute(
        "SELECT number, id, start_time, metadata FROM sessions WHERE status = ?", (ACTIVE,)
    ).fetchall()
    live, ended = change.live, change.ended
    for number, uuid, start_ms, metadata in active:
        if ended and uuid == ended.id:
            _end(connection, number, ended)
        elif live and uuid == live.id:
            _update(connection, number, live, start_ms, metadata)
        else:
            _cut_off(connection, number)
    if live and not any(uuid == live.id for _, uuid, _, _ in active):
        _begin(connection, live, moment)
    return live.id if live else ""


def _begin(connection: Connection, session: Session, moment: Moment) -> None:
    boot = connection.execute("SELECT id FROM boots WHERE boot_id = ?", (moment.boot_id,)).fetchone()
    made = connection.execute(
        "INSERT INTO sessions (id, start_time, status, metadata, of_boot) VALUES (?, ?, ?, ?, ?)",
        (session.id, session.start_ms, ACTIVE, session.metadata, boot[0] if boot else None),
    )
    # An id is never less than its run's time, and that of an event which began long ago is a late one.
    connection.execute(
        "UPDATE runs SET session = ? WHERE id >= ? AND id - lead_ms >= ? AND session IS NULL",
        (made.lastrowid, max(session.start_ms, moment.wall_ms - LATE_MS), session.start_ms),
    )


def _update(connection: Connection, number: int, session: Session, start_ms: int, metadata: str) -> None:
    """The setup may change while it is live, and so may the clock: the start is as long ago as before."""
    if session.metadata != metadata or abs(session.start_ms - start_ms) > JITTER_MS:
        connection.execute(
            "UPDATE sessions SET start_time = ?, metadata = ? WHERE number = ?",
            (session.start_ms, session.metadata, number),
        )


def _end(connection: Connection, number: int, session: Session) -> None:
    end_ms = session.end_ms or session.start_ms
    connection.execute(
        "UPDATE runs SET session = NULL WHERE id > ? AND id - lead_ms > ? AND session = ?", (end_ms, end_ms, number)
    )
    status = COMPLETED if session.status == COMPLETED and _arriving(connection, session) else FAILED
    connection.execute(
        "UPDATE sessions SET start_time = ?, end_time = ?, status = ?, metadata = ? WHERE number = ?",
        (session.start_ms, end_ms, status, session.metadata, number),
    )


def _cut_off(connection: Connection, number: int) -> None:
    """The box went down in the middle of it: it ends with the last run that belongs to it."""
    connection.execute(
        """
        UPDATE sessions SET status = ?, end_time = max(start_time, coalesce(
            (SELECT id - lead_ms FROM runs WHERE session = sessions.number AND id >= sessions.start_time
                ORDER BY id DESC LIMIT 1), start_time
        )) WHERE number = ?
        """,
        (FAILED, number),
    )


def _arriving(connection: Connection, session: Session) -> bool:
    """Whether the last word on its connection was a good one; true where no events are collected."""
    rows = connection.execute(
        "SELECT metric, last_run FROM jobs WHERE job = 'event' AND last_timestamp_ms >= ?", (session.start_ms,)
    )
    last: dict[str, int] = dict(rows.fetchall())
    return all(
        max([last.get(name, 0) for name in bad]) <= max([last.get(name, 0) for name in good]) for bad, good in LOST
    )


class Stored:
    """One row of the table. Times are Unix time in ms; `end_ms` None while it is live."""

    __slots__ = ("end_ms", "id", "metadata", "start_ms", "status")

    def __init__(self, uuid: str, start_ms: int, end_ms: int | None, status: str, metadata: str) -> None:
        self.id = str(uuid)
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.status = str(status)
        self.metadata = _object(metadata)


def _object(metadata: str) -> dict[str, object]:
    """{} for what is none, which another program, or a bit that turned, may have left there."""
    try:
        found = parse(metadata or "{}")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# When it was must be known, whatever another program has put there.
_STORED = """
SELECT id, start_time, end_time, status, metadata FROM sessions
WHERE typeof(start_time) = 'integer' AND typeof(end_time) IN ('integer', 'null') AND {which}
ORDER BY start_time DESC, number DESC LIMIT ?1
"""


def latest(connection: Connection, most: int, since_ms: int = 0, until_ms: int | None = None) -> list[Stored]:
    """The newest sessions, newest first; of those that share some time with [since_ms, until_ms)."""
    which = "(end_time IS NULL OR end_time >= ?2) AND (?3 IS NULL OR start_time < ?3)"
    rows = connection.execute(_STORED.format(which=which), (most, since_ms, until_ms))
    return [Stored(*row) for row in rows]


def starting(connection: Connection, beginning: str, most: int = 2) -> list[Stored]:
    """The newest sessions whose id begins so, newest first."""
    rows = connection.execute(_STORED.format(which="substr(id, 1, ?2) = ?3"), (most, len(beginning), beginning))
    return [Stored(*row) for row in rows]
