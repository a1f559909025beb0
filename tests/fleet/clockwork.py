"""The time of the simulation, and the way to the server: both pass when they are told to.

What waits in the program waits on this clock, so an hour of a thousand boxes takes minutes; what is sent is sent for
real, and takes the time here that it would take a box on a mobile network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from belabox_metrics.remote.unreachable import Unreachable
from belabox_metrics.upload import attempts, drain
from belabox_metrics.upload.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from belabox_metrics.upload.transport import Answer

# There and back, and what the uplink leaves for metrics.
ROUND_TRIP_S = 0.12
UPLINK_BYTES_PER_S = 100_000.0


class Arrival(NamedTuple):
    """A request: when it came (seconds of the simulation), of which box, how many bytes; `status` 0: nobody was there.
    `opens`: it is the first of its connection. `urgent`: a collector asked for it, not the timer."""

    at_s: float
    box: str
    status: int
    size: int
    opens: bool
    urgent: bool


class Clock:
    """Seconds since the fleet got its power. Has what the uploader takes of the module `time`."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += max(seconds, 0.0)


def connect(clock: Clock, note: Callable[[float, int, int], None]) -> None:
    """In this process, from now on: uploads live by `clock`, and `note` is told when each request arrives, its status
    and its bytes."""
    drain.time = clock  # type: ignore[assignment, attr-defined]
    attempts.time = clock  # type: ignore[assignment, attr-defined]
    send = Transport.post

    def post(self: Transport, body: bytes, headers: dict[str, str], bytes_per_second: float | None = None) -> Answer:
        seconds = ROUND_TRIP_S + len(body) / min(bytes_per_second or UPLINK_BYTES_PER_S, UPLINK_BYTES_PER_S)
        clock.sleep(seconds - ROUND_TRIP_S / 2)
        arrived_s = clock.now_s
        clock.sleep(ROUND_TRIP_S / 2)
        try:
            answer = send(self, body, headers)
        except Unreachable:
            note(arrived_s, 0, len(body))
            raise
        answer.duration_ms = seconds * 1000
        note(arrived_s, answer.status, len(body))
        return answer

    Transport.post = post  # type: ignore[method-assign]
