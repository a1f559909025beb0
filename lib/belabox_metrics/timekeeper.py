"""Whether a program keeps the clock right, whichever it is, for those that leave no file as systemd-timesyncd does.

chronyd, ntpd and the others tell the kernel how far off the clock may be. Only adjtimex(2) gives that back, and a
sandbox that keeps a service off the clock forbids the question with the deed; so systemd-timedated is asked, whose
property NTPSynchronized says whether it is less than 16 s (org.freedesktop.timedate1(5)). It has to be started for
that: the job `clock` asks now and then, until the answer is yes, and leaves a mark for clock.now().
"""

from __future__ import annotations

from . import clock, program
from .errors import NoData, Problem
from .mark import Mark

TIMEOUT_MS = 5_000


def is_at_work(root: str = "") -> bool:
    """Whether the clock is kept in step with a server. False where nobody can be asked."""
    try:
        timedatectl = program.find(root, "timedatectl", "systemd")
        said = program.run([timedatectl, "show", "--property=NTPSynchronized", "--value"], TIMEOUT_MS)
    except (NoData, Problem):  # no systemd, no bus, or too busy: asked again next time
        return False
    return said.code == 0 and said.out.strip() == "yes"


def mark(path: str = clock.MARK) -> None:
    """Leave it on record until the next boot. Where that fails it is asked again next time, and clocks are compared as
    long."""
    Mark(path).leave()
