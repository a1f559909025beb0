"""How well a stream goes, in four numbers: formulas alone, docs/metrics.md tells what they mean to a person.

Score and stability are products of parts between 0, bad, and 1, good. Products, since one fatal fault is not made good
by six things that are well, and two middling ones are worse than one. What is not known has no part in them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Scale:
    """A part that is 1 at `good` and beyond, 0 at `bad` and beyond, a straight line between."""

    __slots__ = ("bad", "good")

    def __init__(self, good: float, bad: float) -> None:
        self.good = good
        self.bad = bad

    def part(self, value: float) -> float:
        return min(max((value - self.bad) / (self.good - self.bad), 0.0), 1.0)


# The parts of the score. One is a half where the requirements call the value critical, as far as they do.
SCALES = {
    "connected": Scale(1, 0),
    "loss": Scale(0, 10),  # percent; critical: 5
    "drops": Scale(0, 2),  # percent
    "round_trip": Scale(100, 900),  # ms; critical: 500
    "bitrate": Scale(90, 10),  # percent of the limit; critical: 50
    "frame_rate": Scale(20, 5),  # frames/s
    "frames_dropped": Scale(0, 2),  # percent; critical: 1
    "links": Scale(100, -100),  # percent that carry something: with one of many left a stream can still be well
}
# Without one of these nothing is known of the stream's way, and that frames are encoded is not much of an answer.
OF_THE_WAY = ("connected", "loss", "drops", "round_trip", "bitrate", "links")

# The parts of the stability.
SWING = Scale(0, 0.5)  # by how much of itself the bitrate changes from one reading to the next
JITTER = Scale(0, 200)  # ms by which the round trip does
CHANGES = Scale(0, 1)  # how many of the readings find another number of links
LEAST = 3  # readings without which nothing can be said to be steady

# A longer time without a run is of a metric that was off, or of a box that slept.
LONGEST_GAP_MS = 120_000


def parts(values: dict[str, float]) -> dict[str, float]:
    """By name, as SCALES, to the part from 0 to 1. No link at all that carries something is 0, whatever the scale."""
    found = {name: SCALES[name].part(value) for name, value in values.items()}
    if values.get("links", 1) <= 0:
        found["links"] = 0.0
    return found


def score(of: dict[str, float]) -> float | None:
    """Parts to 0..100; None without one that is OF_THE_WAY."""
    if not any(name in of for name in OF_THE_WAY):
        return None
    return _percent(list(of.values()))


def stability(
    bitrates: Sequence[float], round_trips: Sequence[float] = (), links: Sequence[float] = ()
) -> float | None:
    """Readings of the last minute, oldest first, to 0..100; None with fewer than LEAST bitrates. Of the others fewer
    have no part in it."""
    if len(bitrates) < LEAST:
        return None
    mean = sum(bitrates) / len(bitrates)
    # A stream that carries nothing is as steady as it is dead.
    of = [SWING.part(_step(bitrates) / mean) if mean > 0 else 0.0]
    if len(round_trips) >= LEAST:
        of.append(JITTER.part(_step(round_trips)))
    if len(links) >= LEAST:
        changed = sum([before != now for before, now in zip(links, links[1:])])
        of.append(CHANGES.part(changed / (len(links) - 1)))
    return _percent(of)


def latency_seconds(agreed_ms: float, round_trip_ms: float, frame_rate: float) -> float | None:
    """From the camera's picture to the relay's output, None without frames.

    A picture is taken for the length of a frame and encoded for another, then takes half a round trip, and is held back
    until it is as old as both ends have agreed on."""
    if frame_rate <= 0:
        return None
    return round((2 * 1000 / frame_rate + round_trip_ms / 2 + agreed_ms) / 1000, 3)


class Reliability:
    """How much of a session its stream was up: `up_ms` of `known_ms`. `began_ms`: of the session, ms after boot;
    `reconnects`: as counted in it so far. A time between two readings counts as up when the stream is up at its end and
    did not have to connect anew in it."""

    __slots__ = ("began_ms", "known_ms", "reconnects", "up_ms")

    def __init__(self, began_ms: int, reconnects: int, up_ms: int = 0, known_ms: int = 0) -> None:
        self.began_ms = began_ms
        self.reconnects = reconnects
        self.up_ms = up_ms
        self.known_ms = known_ms

    def add(self, elapsed_ms: int, up: bool, reconnects: int) -> None:
        """Take the time since the last reading into account."""
        if 0 < elapsed_ms <= LONGEST_GAP_MS:
            self.known_ms += elapsed_ms
            if up and reconnects <= self.reconnects:
                self.up_ms += elapsed_ms
        self.reconnects = reconnects

    def percent(self) -> float | None:
        """None before any time is known."""
        return round(100 * self.up_ms / self.known_ms, 2) if self.known_ms else None


def _step(values: Sequence[float]) -> float:
    """The mean difference of neighbours."""
    return sum([abs(now - before) for before, now in zip(values, values[1:])]) / (len(values) - 1)


def _percent(of: list[float]) -> float:
    product = 100.0
    for part in of:
        product *= part
    return round(product, 1)
