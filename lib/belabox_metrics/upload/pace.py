"""How fast the backlog may go while a stream is live, from what the way was seen to carry."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..remote.settings import Backfill

# Before anything was measured: a slow uplink's worth, bytes a second.
FIRST_RATE = 50_000.0
LEAST_RATE = 1_000.0
MOST_RATE = 100_000_000.0
# Of less, the time is that of the way there and back and tells nothing.
TELLING_BYTES = 4_096
# A chunk that takes longer than this keeps a critical sample waiting.
CHUNK_S = 2.0
LEAST_CHUNK_BYTES = 1_024


class Pace:
    """`rate`: bytes a second that the way has carried, None before it was measured. `limited`: a stream is live."""

    def __init__(self, rate: float | None, backfill: Backfill, limited: bool) -> None:
        self.rate = rate
        self.limited = limited
        self._share = backfill.bandwidth_percent / 100
        self._every_s = 1 / backfill.rate_per_s if backfill.rate_per_s > 0 else 0.0

    def bytes_per_second(self) -> float | None:
        """What the backlog may take, None for all there is."""
        if not self.limited:
            return None
        return max((self.rate or FIRST_RATE) * self._share, LEAST_RATE)

    def chunk_bytes(self, most: int) -> int:
        """How large a chunk of the backlog may be, at most `most`."""
        limit = self.bytes_per_second()
        return most if limit is None else max(LEAST_CHUNK_BYTES, min(most, int(limit * CHUNK_S)))

    def wait_s(self) -> float:
        """How long to wait between two requests of the backlog."""
        return self._every_s if self.limited else 0.0

    def learn(self, sent: int, seconds: float, limit: float | None) -> None:
        """`sent` bytes were accepted after so many seconds; `limit`: they were paced to that."""
        # What is paced takes its time for that: half of what such a chunk may be tells as much.
        telling = TELLING_BYTES if limit is None else min(TELLING_BYTES, limit * CHUNK_S / 2)
        if sent < telling or seconds <= 0:
            return
        measured = sent / seconds
        rate = self.rate or FIRST_RATE
        if limit is None:
            rate = measured if self.rate is None else 0.7 * rate + 0.3 * measured
        elif measured < limit / 2:
            rate /= 2  # not even that went through: the stream needs it
        elif measured > limit * 0.8:
            rate *= 1.1  # what is paced can't show how much more there would be: try
        self.rate = min(max(rate, LEAST_RATE), MOST_RATE)
