"""The right time of what was sampled before the clock was set.

A board without a battery wakes up in the past. Each run has the time since boot beside the wall clock, so once the
right time is known in a boot, it is known of all its runs. While it may still become known, runs wait.
"""

from __future__ import annotations

from .. import clock
from ..store import boots, queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Callable

    from ..clock import Moment
    from ..remote.settings import Remote
    from ..store.database import Store
    from ..store.queue import PendingRun

# Less than what a measured skew is worth. A clock that is right though nobody vouched for it changes nothing, so that
# what is sent has the time that the box shows.
TOLERANCE_MS = 1000
NEVER_RIGHT = "the clock was never right"


def prepare(store: Store, remote: Remote, moment: Moment, now: Callable[[], Moment] = clock.now) -> Correction:
    """All that an upload needs to know of time, learned from the clock or, where nobody has set it, from the server.

    Raises Unreachable when the server had to be asked and gave no answer, so that it would not take samples either;
    TryLater when the clock is set at this very moment; ConfigProblem for a secret that is not there."""
    learn(store, moment)
    if needs_probe(store.connection(), moment):
        # Rarely needed, and half of what the uploader's modules cost.
        from .. import skew

        skew.probe(store, remote, now)
    return Correction(store.connection(), moment)


def learn(store: Store, moment: Moment) -> None:
    """Write down the offset of the present boot once its clock was set from a server."""
    if moment.synchronized and moment.boot_id and not boots.is_known(store.connection(), moment):
        with store.writing() as connection:
            boots.fix(connection, moment, moment.wall_ms)


def needs_probe(connection: Connection, moment: Moment) -> bool:
    """Whether samples wait whose time only the server can tell: they were taken in this boot, nobody has set the clock,
    and no answer has told the time yet."""
    boot = boots.number(connection, moment.boot_id)
    if moment.synchronized or boot is None or boots.offset_ms(connection, boot) is not None:
        return False
    return boots.is_unset(connection, boot) and queue.pending_count(connection) > 0


class Correction:
    """What is known at `moment`. Reads only; an activation makes one for itself, after learn().

    A run whose clock had been set is left as it is. Any other of the present boot waits until its right time is known;
    of an earlier boot it has what can be known, else the time it came with."""

    def __init__(self, connection: Connection, moment: Moment) -> None:
        self._connection = connection
        self._moment = moment
        self._present = boots.number(connection, moment.boot_id)
        self._offsets: dict[int, int | None] = {}

    def apply(self, runs: list[PendingRun]) -> list[PendingRun]:
        """Those of `runs`, in order, that can be sent now, with their right `timestamp_ms`: all before the first that
        waits, since a position does not pass over it."""
        for at, run in enumerate(runs):
            if run.synchronized:
                continue
            if self.hold(run):
                return runs[:at]
            offset_ms = self._offset_ms(run)
            if offset_ms is not None and abs(offset_ms + run.boottime_ms - run.timestamp_ms) > TOLERANCE_MS:
                run.timestamp_ms = offset_ms + run.boottime_ms
        return runs

    def hold(self, run: PendingRun) -> bool:
        """Whether the right time of `run` is not known but may still be."""
        return not run.synchronized and run.boot == self._present and self._offset_ms(run) is None

    def lost(self, run: PendingRun) -> str:
        """Why there is no sense in sending `run`, after apply(); "" where there is. A server answers 204 to samples
        from before its retention and drops them; on the box they are at least kept with their reason."""
        return NEVER_RIGHT if not run.synchronized and run.timestamp_ms < clock.EARLIEST_MS else ""

    def _offset_ms(self, run: PendingRun) -> int | None:
        boot = run.boot
        if boot not in self._offsets:
            offset_ms = boots.offset_ms(self._connection, boot)
            # In the present boot learn() has the first word: two that differ a little would be two times of one sample.
            if offset_ms is None and boot != self._present:
                offset_ms = boots.later_offset_ms(self._connection, boot, run.id)
            self._offsets[boot] = offset_ms
        return self._offsets[boot]
