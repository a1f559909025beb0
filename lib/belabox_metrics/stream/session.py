"""A session: one stream from its start to its end, however often it had to reconnect."""

from __future__ import annotations

ACTIVE = "active"
COMPLETED = "completed"
FAILED = "failed"

# A stream that is back within this is the same one: the encoder needs two seconds to be started again.
GAP_MS = 10_000


class Session:
    """`id`: a UUID. `start_ms`, `end_ms`: Unix time, `end_ms` None while it is live. `metadata`: one JSON object;
    no secret is ever in it."""

    __slots__ = ("end_ms", "id", "metadata", "start_ms", "status")

    def __init__(
        self, uuid: str, start_ms: int, metadata: str, end_ms: int | None = None, status: str = ACTIVE
    ) -> None:
        self.id = uuid
        self.start_ms = start_ms
        self.metadata = metadata
        self.end_ms = end_ms
        self.status = status


class SessionChange:
    """What a reading says about sessions: the one that is `live`, the one that has `ended`, None for none.

    Any other that the database takes for active was cut off, by a crash or a power cut."""

    __slots__ = ("ended", "live")

    def __init__(self, live: Session | None = None, ended: Session | None = None) -> None:
        self.live = live
        self.ended = ended
