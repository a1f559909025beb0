"""A collection that is due every half second, started as its timer and unit do it: how well it keeps its time."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from ..box import Box
from .process import Started, Took, collection, peak_kb

METRIC = "memory.usage"
EVERY_S = 0.5
# As the unit has it.
NICE = ("nice", "-n", "5")

_WHEN = """
SELECT boottime_ms FROM runs JOIN jobs ON jobs.id = runs.job WHERE jobs.job = 'collect' AND metric = ?
    ORDER BY runs.id DESC LIMIT ?
"""


class Cadence(NamedTuple):
    """`due`: so often. `took`: of those that came. `after_s`: from when each was due until it had stored.
    `intervals_s`: between what was stored, as it says itself. `peak_kb`: memory of one of them."""

    due: int
    took: list[Took]
    after_s: list[float]
    intervals_s: list[float]
    peak_kb: int

    @property
    def stored(self) -> int:
        """So many runs, that of which the memory was measured with them."""
        return len(self.took) - self.failed + 1

    @property
    def failed(self) -> int:
        return sum(one.code != 0 for one in self.took)

    def text(self) -> str:
        cpu = median(one.cpu_s for one in self.took)
        return (
            f"{self.due - len(self.took)} of {self.due} left out, an interval {_of(self.intervals_s)}, "
            f"stored {_of(self.after_s)} after it was due, CPU {cpu * 1000:.0f} ms, memory {self.peak_kb / 1024:.1f} MB"
        )


def cadence(box: Box, said: Path, times: int) -> Cadence:
    """Due so many times. As systemd does it, one that is due while the last still runs comes after it, at once, and
    those between are left out."""
    command = [*NICE, *collection(box, METRIC)]
    begin, at = time.monotonic(), 0
    took: list[Took] = []
    after_s: list[float] = []
    while at < times:
        due = begin + at * EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))
        took.append(Started(box, command, said).ended())
        now = time.monotonic()
        after_s.append(now - due)
        at = max(at + 1, int((now - begin) / EVERY_S))
    when = sorted(int(str(row[0])) for row in box.sql(_WHEN, METRIC, len(took)))
    intervals_s = [(after - before) / 1000 for before, after in zip(when, when[1:])]
    return Cadence(times, took, after_s, intervals_s, peak_kb(box, command))


def _of(found: list[float]) -> str:
    return f"{median(found):.2g} s, {max(found):.2g} at most"
