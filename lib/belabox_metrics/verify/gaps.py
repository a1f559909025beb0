"""Spans of runs of which the server lacks something: what is to be sent again, and no run between."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .periods import Stretch
    from .stored import SentRun

# Each becomes a row of the backlog and, at least, a request. The next verify finds what is left.
MOST_GAPS = 1000


class Gap:
    """Runs of `priority` from `first` to `last` (ids), each lacking something: `runs` of them, with `samples` numbers,
    of which `set_aside` had been refused. `end`: the place of the stretch it reaches the end of."""

    __slots__ = ("end", "first", "last", "priority", "runs", "samples", "set_aside")

    def __init__(self, priority: int, run: int) -> None:
        self.priority = priority
        self.first = self.last = run
        self.runs = self.samples = self.set_aside = 0
        self.end = 0

    def take(self, run: SentRun) -> None:
        self.last = run.id
        self.runs += 1
        self.samples += run.samples
        self.set_aside += run.set_aside


class Gaps:
    """`found`, MOST_GAPS at most; `more`: there are others."""

    def __init__(self) -> None:
        self.found: list[Gap] = []
        self.more = False
        self._open: dict[int, Gap] = {}

    def add(self, stretch: Stretch, priority: int, runs: list[SentRun]) -> None:
        """All runs of `priority` in one stretch, in the order of the queue. A gap goes on from the stretch before when
        there is no run between the two."""
        gap = self._open.pop(priority, None)
        if gap is not None and gap.end + 1 != stretch.begin:
            gap = None
        for run in runs:
            if not (run.sent and run.lacks):
                gap = None
                continue
            if gap is None:
                if len(self.found) == MOST_GAPS:
                    self.more = True
                    return
                gap = Gap(priority, run.id)
                self.found.append(gap)
            gap.take(run)
        if gap is not None:
            gap.end = stretch.end
            self._open[priority] = gap

    def followed_by(self, others: Gaps) -> Gaps:
        """These and, as far as there is room, `others`."""
        both = Gaps()
        both.found = (self.found + others.found)[:MOST_GAPS]
        both.more = self.more or others.more or len(self.found) + len(others.found) > MOST_GAPS
        return both
