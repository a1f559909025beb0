"""What the jobs have told against what is stored, by the time since boot: no wrong clock is in between."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from belabox_metrics import journal

from .guest import Guest
from .slots import Slots, Span

_RUNS = """
SELECT metric, boottime_ms FROM runs JOIN jobs ON jobs.id = runs.job
WHERE jobs.job = 'collect' AND boot = (SELECT max(boot) FROM runs) AND outcome < 2 ORDER BY boottime_ms
"""
# TimeoutStartSec= of a collection.
_TOLD_WITHIN_S = 20
# What was read that long ago is stored, or never will be.
_STORED_WITHIN_S = 3


class LeftOut(NamedTuple):
    """Runs that were due and are not there; how many of one metric `in_a_row`."""

    number: int
    in_a_row: int

    def wrong(self) -> list[str]:
        """One that comes too late for its slot is what a busy machine does; two are a schedule that stands still."""
        return [f"{self.in_a_row} runs in a row were left out"] if self.in_a_row > 1 else []


class Books(NamedTuple):
    """Of each metric, seconds since boot, in order: when it `told` of a run, when a run is `stored`; `until` when."""

    told: dict[str, list[float]]
    stored: dict[str, list[float]]
    until: float

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

    def left_out(self, due: dict[str, Slots], span: Span) -> LeftOut:
        """Of the slots that began in that span and are over. One that came late within its slot is there."""
        span = span._replace(closed=min(span.closed, self.until))
        empty = {metric: slots.empty(self.stored.get(metric, []), span) for metric, slots in due.items()}
        longest = max((due[metric].longest(times) for metric, times in empty.items()), default=0)
        return LeftOut(sum(map(len, empty.values())), longest)

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
    until = guest.uptime() - _STORED_WITHIN_S
    # First what was told: what is stored after that is no fault.
    for record in guest.records(MESSAGE_ID=journal.COLLECTED):
        told[record["BELABOX_METRIC"]].append(int(record["__MONOTONIC_TIMESTAMP"]) / 1e6)
    stored = defaultdict(list)
    for metric, at_ms in guest.sql(_RUNS):
        stored[metric].append(at_ms / 1000)
    return Books(dict(told), dict(stored), until)


def damage(guest: Guest) -> list[str]:
    """What must not be, in words: of the database and of the units."""
    found = [f"integrity_check: {row[0]}" for row in guest.sql("PRAGMA integrity_check") if row[0] != "ok"]
    lines = guest.sh("systemctl list-units --failed --no-legend --plain 'belabox-metrics*'").splitlines()
    return found + [f"failed: {line}" for line in lines]
