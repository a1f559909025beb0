"""The worst minutes of a stream: those in which most of it was lost."""

from __future__ import annotations

from .account import NO_CAUSE
from .incident import Incident, merged
from .observation import DEGRADED, INTERRUPTED
from .wording import clock, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .recording import Recording

MINUTE_MS = 60_000
MOST = 5
# A second in which it is worse than usual is as bad as so much of one in which nothing is to be seen.
DEGRADED_WEIGHT = 0.25


class Minute:
    """at_ms: when it begins; interrupted_ms, degraded_ms: how much of it; score: the lowest of it, None where there is
    none; of: what happened in it."""

    __slots__ = ("at_ms", "degraded_ms", "interrupted_ms", "of", "score")

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.interrupted_ms = 0
        self.degraded_ms = 0
        self.score: float | None = None
        self.of: list[Incident] = []

    @property
    def weight(self) -> float:
        return self.interrupted_ms + DEGRADED_WEIGHT * self.degraded_ms

    def cause(self) -> str:
        """`20:14:05 wwan0 lost its link`, of each incident in it."""
        leads = [f"{clock(one.onset_ms)} {one.lead.what}" for one in self.of]
        unknown = all(one.kind == "symptom" for one in self.of)
        return listed(leads, 3) + (f"; {NO_CAUSE}" if unknown else "")


def worst(recording: Recording, found: list[Incident]) -> list[Minute]:
    """The MOST worst of the minutes in which anything was lost, in the order of time."""
    minutes: dict[int, Minute] = {}
    for harm in (INTERRUPTED, DEGRADED):
        for since_ms, until_ms in merged([time for incident in found for time in incident.harm(harm)]):
            # What has no length, as a restart that was over between two readings, is a second.
            for at_ms in range(since_ms - since_ms % MINUTE_MS, max(until_ms, since_ms + 1), MINUTE_MS):
                minute = minutes.setdefault(at_ms, Minute(at_ms))
                ms = max(min(until_ms, at_ms + MINUTE_MS) - max(since_ms, at_ms), 1000)
                if harm == INTERRUPTED:
                    minute.interrupted_ms = min(MINUTE_MS, minute.interrupted_ms + ms)
                else:
                    minute.degraded_ms = min(MINUTE_MS, minute.degraded_ms + ms)
    chosen = sorted(minutes.values(), key=lambda minute: (-minute.weight, minute.at_ms))[:MOST]
    scores = recording.one("stream.health_score")
    for minute in chosen:
        until_ms = minute.at_ms + MINUTE_MS
        minute.of = [one for one in found if one.since_ms < until_ms and one.until_ms >= minute.at_ms and _harmed(one)]
        # The score is of the half minute before it.
        points = scores.within(minute.at_ms, until_ms + MINUTE_MS // 2) if scores else []
        minute.score = min([point.least for point in points], default=None)
    return sorted(chosen, key=lambda minute: minute.at_ms)


def _harmed(incident: Incident) -> bool:
    return bool(incident.harm(INTERRUPTED) or incident.harm(DEGRADED))
