"""The second that the kernel inserts before midnight (adjtimex(2), STA_INS): the wall clock goes through it twice."""

from __future__ import annotations

import time

from ..outcome import Row
from . import arrivals, books, slots
from .clocks import KEPT_MS
from .guest import Guest
from .slots import Span
from .truth import Truth

# Of a day that has been: what is of tomorrow a server may refuse. A time that is set ends what was said of leaps, so it
# is set first; struct timex: modes at 0, status at 40, on a machine of 64 bits.
_BEFORE_MIDNIGHT = """
import ctypes, struct, sys, time
now = time.time()
time.clock_settime(time.CLOCK_REALTIME, now - now % 86400 - float(sys.argv[1]))
b = ctypes.create_string_buffer(208)
struct.pack_into("I", b, 0, 0x10)
struct.pack_into("i", b, 40, 0x10)
c = ctypes.CDLL(None, use_errno=True)
if c.adjtimex(b) < 0:
    sys.exit("adjtimex: %d" % ctypes.get_errno())
boot = time.clock_gettime(time.CLOCK_BOOTTIME)
print(boot, time.time() - boot)
"""
_NOW = "import time; b = time.clock_gettime(time.CLOCK_BOOTTIME); print(b, time.time() - b)"
_SET = (
    "import sys, time; b = time.clock_gettime(time.CLOCK_BOOTTIME);"
    "time.clock_settime(time.CLOCK_REALTIME, b + float(sys.argv[1]))"
)
# No metric is due in each second: by hand, as many as there can be.
_AGAIN = "for n in $(seq {}); do systemctl start belabox-metrics@{}.service || exit; done"
_METRICS = "memory.usage", "cpu.usage"
_TIMES = 20


def inserted(guest: Guest, truth: Truth, hold_s: float) -> Row:
    """What is stored in it is stored once each, and no further from its time than a second."""
    _, right = _clock(guest, _NOW)
    began, offset = _clock(guest, _BEFORE_MIDNIGHT, str(hold_s / 2))
    truth.goes_on(began, began + offset)
    day = 86400
    midnight = began + day - (began + offset) % day
    time.sleep(max(0, midnight - guest.uptime() - hold_s / 8))
    by_hand = " & ".join(_AGAIN.format(_TIMES, metric) for metric in _METRICS)
    guest.sh(f"{by_hand} & wait")
    time.sleep(max(0, midnight + hold_s / 2 - guest.uptime()))
    ended, later = _clock(guest, _NOW)
    truth.goes_on(midnight, midnight + later)
    found = books.read(guest)
    # Of those that began after it: before it, the clock says otherwise when they begin.
    left_out = found.left_out(slots.due(guest), Span(midnight + 1, ended))
    came = arrivals.all_sent(guest, truth)
    guest.run("/usr/bin/python3", "-I", "-c", _SET, str(right))
    guest.start_timers()
    twice = sum(midnight - 1 <= at < midnight + 1 for times in found.stored.values() for at in times)
    own = came.within(Span(began, ended))
    missing = len(found.missing(began))
    wrong = own.wrong(KEPT_MS) + left_out.wrong() + books.damage(guest)
    if not -1.1 < later - offset < -0.9:
        wrong.append(f"the kernel has moved the clock by {later - offset:.3f} s")
    if not twice:
        wrong.append("no run in the second that is there twice")
    note = (
        f"{twice} runs in that second, misplaced by {own.furthest_ms:.0f} ms at most; {left_out.number} left out after"
    )
    return Row("a leap second", own.tried, len(own.lost) + missing, len(came.beyond), None, note, wrong)


def _clock(guest: Guest, script: str, *words: str) -> tuple[float, float]:
    """Seconds since boot, and Unix time less those."""
    at, offset = guest.run("/usr/bin/python3", "-I", "-c", script, *words).split()
    return float(at), float(offset)
