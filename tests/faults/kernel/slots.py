"""When each metric is due: from one start of its timer to the next is a slot, and one run belongs into each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from .guest import Guest

# Two clocks that are read one after the other are apart by less.
_EARLY_S = 0.1
# Of an interval: a timer that counts from the last start knows that one, what is stored tells only what came of it.
_LATE = 0.25
_OFFSET = "import time; print(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))"


class Span(NamedTuple):
    """From then to then, seconds since boot. A slot that begins in it and is still open when it is `closed` is not
    judged: the clock was set, and with it the slots."""

    began: float
    ended: float
    closed: float = math.inf

    def has(self, at: float) -> bool:
        return self.began <= at < self.ended


class Slots(NamedTuple):
    """Of one metric: `every` so many seconds; one begins at `first`, seconds since boot. `counted`: its timer counts
    from the last start, and so each slot begins where the run before says."""

    every: float
    first: float
    counted: bool

    def empty(self, times: list[float], span: Span) -> list[float]:
        """When those began that are of that span and have no run among `times`, in order."""
        return list(self._after_each(times, span) if self.counted else self._of_the_clock(times, span))

    def _of_the_clock(self, times: list[float], span: Span) -> Iterator[float]:
        filled = {math.floor((at - self.first + _EARLY_S) / self.every) for at in times}
        number = math.ceil((span.began - self.first) / self.every)
        while (begins := self.first + number * self.every) < span.ended and begins + self.every <= span.closed:
            if number not in filled:
                yield begins
            number += 1

    def _after_each(self, times: list[float], span: Span) -> Iterator[float]:
        for at, following in pairwise([self.first - self.every, *times, math.inf]):
            begins, until = at + self.every, min(following, span.closed)
            while begins < span.ended and begins + (1 - _LATE) * self.every <= until:
                if begins >= span.began:
                    yield begins
                begins += self.every

    def longest(self, empty: list[float]) -> int:
        """How many of those follow each other."""
        most = row = 1 if empty else 0
        for earlier, later in pairwise(empty):
            row = row + 1 if later - earlier < 1.5 * self.every else 1
            most = max(most, row)
        return most


def due(guest: Guest) -> dict[str, Slots]:
    """Of each metric, by its timer and by the clock as it is set now."""
    offset = float(guest.run("/usr/bin/python3", "-I", "-c", _OFFSET))
    found = {}
    for metric, every in guest.schedule.items():
        timer = guest.sh(f"cat /etc/systemd/system/belabox-metrics@{metric}.timer")
        found[metric] = slots_of(timer, every, offset)
    return found


def slots_of(timer: str, every: float, offset: float) -> Slots:
    """`timer`: the text of the unit; `offset`: Unix time less the time since boot. For what divides a minute."""
    of_clock = re.search(r"^OnCalendar=\*:\*:([\d.]+)", timer, re.MULTILINE)
    if of_clock:
        return Slots(every, (float(of_clock[1]) - offset) % every, counted=False)
    of_boot = re.search(r"^OnBootSec=(\d+)(m?)s$", timer, re.MULTILINE)
    assert of_boot, timer
    return Slots(every, int(of_boot[1]) / (1000 if of_boot[2] else 1), counted=True)
