"""What time it is, four ways: wall clock, time since boot, which boot, and whether anyone set the clock.

A board without a battery-backed clock wakes up in the past. Wall time is what people read; intervals and ages are
taken from the time since boot, which neither jumps nor goes back.
"""

from __future__ import annotations

import posix as os  # as environment.py says
import time

BOOT_ID = "/proc/sys/kernel/random/boot_id"
# systemd-timesyncd(8) touches this file whenever the clock was set from a server.
TIMESYNCD = "/run/systemd/timesync/synchronized"
# Left by the job `clock` (timekeeper.py) where chronyd or ntpd keeps the clock: to ask the kernel costs too much here.
MARK = "/run/belabox-metrics/clock-synchronized"

# 2020: a clock that tells an earlier time was never set.
EARLIEST_MS = 1_577_836_800_000
# 2100: no clock of such a box was ever right beyond.
LATEST_MS = 4_102_444_800_000


# Two clocks that are read one after the other seem to differ by less.
JITTER_MS = 2000


class Moment:
    """One instant: `wall_ms` (Unix time, ms), `boottime_ms` (CLOCK_BOOTTIME, ms), `boot_id` (uuid text, "" where the
    kernel gives none) and `synchronized` (the wall clock was set from a server during this boot)."""

    __slots__ = ("boot_id", "boottime_ms", "synchronized", "wall_ms")

    def __init__(self, wall_ms: int, boottime_ms: int, boot_id: str, synchronized: bool) -> None:
        self.wall_ms = wall_ms
        self.boottime_ms = boottime_ms
        self.boot_id = boot_id
        self.synchronized = synchronized


def by_now(wall_ms: int, now_ms: int, ago_ms: int) -> int:
    """When something was that seemed to be at `wall_ms` and is `ago_ms` ago, both in Unix time: by the clock of
    `now_ms`, where that was set since."""
    told_ms = max(now_ms - ago_ms, 0)
    return told_ms if abs(told_ms - wall_ms) > JITTER_MS else wall_ms


def boottime_ms() -> int:
    """Milliseconds since boot, suspended time included; since some fixed point where there is no CLOCK_BOOTTIME."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


def boot_id() -> str:
    """The kernel's random id of this boot (random(4)), or "" on a system without one."""
    try:
        descriptor = os.open(BOOT_ID, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 64).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)


def now(marks: tuple[str, ...] = (TIMESYNCD, MARK)) -> Moment:
    """This instant, on this machine. One of the files `marks` tells that the clock was set."""
    # Asked first: were it the other way round, a clock set in between would vouch for the time before.
    synchronized = any(os.access(mark, os.F_OK) for mark in marks)
    return Moment(time.time_ns() // 1_000_000, boottime_ms(), boot_id(), synchronized)
