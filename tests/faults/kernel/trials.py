"""One machine after the other: what is set right again is used again."""

from __future__ import annotations

from collections.abc import Iterator

from ..outcome import Row
from . import deaf, disks, leap, limits
from .clocks import Clocks
from .guest import SCHEDULE, Guest, switched_on

HOLD_S, SHORT_S = 40.0, 10.0
# A share with which the schedule goes on where a job costs ten times as much; and one with which it can't.
ENOUGH, TOO_LITTLE = 45, 5


def trials(long: bool) -> Iterator[Row]:
    with switched_on(SCHEDULE) as guest:
        yield from everything(guest) if long else short(guest)


def short(guest: Guest) -> Iterator[Row]:
    yield deaf.hangs(guest, SHORT_S)
    yield from limits.memory(guest, long=False)


def everything(guest: Guest) -> Iterator[Row]:
    clocks = Clocks(guest, HOLD_S)
    yield from clocks.rows()
    guest.start_timers()
    guest.wait_for_runs(2)
    yield leap.inserted(guest, clocks.truth, HOLD_S)
    guest.wait_for_runs(2)
    yield deaf.hangs(guest, HOLD_S)
    yield from limits.memory(guest, long=True)
    guest.wait_for_runs(2)
    yield limits.whole_slice(guest, HOLD_S / 2)
    yield limits.share(guest, ENOUGH, HOLD_S, may_leave_out=False)
    yield limits.share(guest, TOO_LITTLE, HOLD_S, may_leave_out=True)
    yield from disks.trials(guest, HOLD_S / 2)
