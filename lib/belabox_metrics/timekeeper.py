"""Whether a program keeps the clock right, whichever it is, for those that leave no file as systemd-timesyncd does.

chronyd, ntpd and the others tell the kernel how far off the clock may be, and nobody else does. That is asked with
adjtimex(2), which needs ctypes: the job `clock` does it now and then, and leaves a mark for clock.now().
"""

from __future__ import annotations

import os

from . import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from typing import Callable

# Microseconds: NTP_PHASE_LIMIT of include/linux/timex.h. The kernel begins there, and without news is there again after
# nine hours. Not its flag STA_UNSYNC: chronyd without `rtcsync` leaves that set although it keeps the clock.
UNKNOWN_US = 16_000_000


def is_at_work(adjtimex: Callable[[ctypes.Array[ctypes.c_char]], int] | None = None) -> bool:
    """Whether the kernel was told how far off its clock is. False where it can't be asked."""
    try:
        import ctypes

        ask = adjtimex or ctypes.CDLL(None).adjtimex
        # struct timex: int modes, then of the size of long: offset, freq, maxerror. All of it is 208 bytes; modes of 0
        # only reads, for which no right is needed.
        timex = ctypes.create_string_buffer(1024)
        if ask(timex) < 0:
            return False
        return ctypes.c_long.from_buffer(timex, 3 * ctypes.sizeof(ctypes.c_long)).value < UNKNOWN_US
    except (AttributeError, ImportError, MemoryError, OSError):  # not Linux, not glibc, or a sandbox that is stricter
        return False


def mark(path: str = clock.MARK) -> None:
    """Leave it on record until the next boot. Without the directory there is nobody to read it: a checkout."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644))
    except OSError:
        # Asked again next time. The comparison of clocks goes on without.
        return
