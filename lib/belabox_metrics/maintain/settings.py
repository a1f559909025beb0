"""What the configuration says of how long samples are kept, and how much room they may take."""

from __future__ import annotations

from ..store.compiled import must_be_whole
from ..store.instant import Still
from ..store.settings import first, section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MB = 10**6
# What holds while nothing is compiled: as in config/keys.py; a test holds them equal.
FULL_MS = 48 * HOUR_MS
MINUTES_MS = 7 * DAY_MS
FIVE_MINUTES_MS = 30 * DAY_MS
MAX_BYTES = 5000 * MB
RESERVE_BYTES = 256 * MB


class Settings:
    """Ages in ms from which on runs are rolled up to minutes, to five, and gone; `sends`: somebody wants samples to be
    sent, so that what is not sent yet has to wait. Raises Unsound where that is not what was compiled."""

    __slots__ = ("five_minutes_ms", "full_ms", "max_bytes", "minutes_ms", "reserve_bytes", "sends")

    def __init__(self, connection: Connection) -> None:
        with Still(connection):
            must_be_whole(connection)
            kept = section(connection, "storage.retention")
            storage = section(connection, "storage")
            remote = section(connection, "remote")
        self.full_ms = int(first(kept, "full_resolution_ms", FULL_MS))
        # Each is as long as the one before, at least.
        self.minutes_ms = max(self.full_ms, int(first(kept, "aggregated_1m_ms", MINUTES_MS)))
        self.five_minutes_ms = max(self.minutes_ms, int(first(kept, "aggregated_5m_ms", FIVE_MINUTES_MS)))
        self.max_bytes = int(first(storage, "max_size_bytes", MAX_BYTES))
        self.reserve_bytes = int(first(storage, "reserve_bytes", RESERVE_BYTES))
        # As long as there is no configuration, nobody has said that nothing is to be sent.
        self.sends = not remote or bool(first(remote, "enabled", 1) and first(remote, "url", ""))
