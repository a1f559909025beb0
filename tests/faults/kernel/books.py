"""What the jobs have told against what is stored, by the time since boot: no wrong clock is in between."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from belabox_metrics import journal

from .guest import Guest

_RUNS = """
SELECT metric, boottime_ms FROM runs JOIN jobs ON jobs.id = runs.job
WHERE jobs.job = 'collect' AND boot = (SELECT max(boot) FROM runs) AND outcome < 2 ORDER BY boottime_ms
"""
# A start may be late by as much as the machine is busy; none is left out if no gap is that of two.
_LEFT_OUT = 2.5
# TimeoutStartSec= of a collection.
_TOLD_WITHIN_S = 20


class Span(NamedTuple):
    """From then to then, seconds since boot."""

    began: float
    ended: float

    def has(self, at: float) -> bool:
        return self.began <= at < self.ended


class Books(NamedTuple):
    """Of each metric, seconds since boot, in order: when it `told` of a run, when a run is `stored`."""

    told: dict[str, list[float]]
    stored: dict[str, list[float]]

    def missing(self, since: float = 0) -> list[float]:
        """When those were told that are not there, from then on: a run is stored shortly before it is told."""
        found = []
        for metric, told in self.told.items():
            left = list(self.stored.get(metric, ()))
            for at in told:
                before = [one for one in left if at - _TOLD_WITHIN_S < one <= at]
                if before:
                    left.remove(before[-1])
                elif at >= since:
                    found.append(at)
        return sorted(found)

    def left_out(self, schedule: dict[str, int], span: Span) -> int:
        """Runs that were due in that span and are not there."""
        count = 0
        for metric, every in schedule.items():
            times = [at for at in self.stored.get(metric, ()) if span.has(at)]
            gaps = [later - earlier for earlier, later in zip([span.began, *times], [*times, span.ended])]
            count += sum(round(gap / every) - 1 for gap in gaps if gap > _LEFT_OUT * every)
        return count

    def beyond(self, schedule: dict[str, int], span: Span) -> int:
        """Runs that nobody asked for: of each metric those that are more than its interval explains, and one that was
        late."""
        count = 0
        for metric, every in schedule.items():
            times = [at for at in self.stored.get(metric, ()) if span.has(at)]
            count += max(0, len(times) - int((span.ended - span.began) / every) - 2)
        return count


def read(guest: Guest) -> Books:
    told = defaultdict(list)
    # First what was told: what is stored after that is no fault.
    for record in guest.records(MESSAGE_ID=journal.COLLECTED):
        told[record["BELABOX_METRIC"]].append(int(record["__MONOTONIC_TIMESTAMP"]) / 1e6)
    stored = defaultdict(list)
    for metric, at_ms in guest.sql(_RUNS):
        stored[metric].append(at_ms / 1000)
    return Books(dict(told), dict(stored))


def damage(guest: Guest) -> list[str]:
    """What must not be, in words: of the database and of the units."""
    found = [f"integrity_check: {row[0]}" for row in guest.sql("PRAGMA integrity_check") if row[0] != "ok"]
    lines = guest.sh("systemctl list-units --failed --no-legend --plain 'belabox-metrics*'").splitlines()
    return found + [f"failed: {line}" for line in lines]
