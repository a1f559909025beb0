"""What was not stored, as there was no room: told once, and then as often as a person wants to read it.

Thirty collections a minute that are refused would fill the journal as well, which may be on the same disk. A file for
each job in /run, which is memory, remembers how often that was and when it was last told.
"""

from __future__ import annotations

import posix as os  # as environment.py says
import sys

from . import clock, journal
from .environment import variable
from .errors import Damaged, Problem, Unwritable

DIRECTORY = "/run/belabox-metrics"
_PREFIX = "refused."
# Told again so often. What was refused longer ago than that is another outage.
TELL_MS = 10 * 60 * 1000


class Refused:
    """How many runs of a job were, the first and the last of them when (ms since boot), when it was last told."""

    __slots__ = ("count", "first_ms", "last_ms", "told_ms")

    def __init__(self, count: int, first_ms: int, last_ms: int, told_ms: int) -> None:
        self.count = count
        self.first_ms = first_ms
        self.last_ms = last_ms
        self.told_ms = told_ms

    def is_over(self, now_ms: int) -> bool:
        """Whether this was another outage, perhaps of another boot."""
        return not 0 <= now_ms - self.last_ms <= TELL_MS


def give_up(problem: Problem, path: str, *, job: str, message_id: str, metric: str = "") -> int:
    """A job that can't go on with the database at `path` says so; the exit code it is to leave with. A damaged one has
    another in its place by then. One whose settings alone are has not: nothing is found by looking it over."""
    if isinstance(problem, Unwritable):
        return refused(problem, job=job, metric=metric, message_id=message_id)
    if isinstance(problem, Damaged):
        from .recover import heal
        from .store.compiled import Unsound

        try:
            if not isinstance(problem, Unsound):
                heal(path, job)
        except Problem as worse:
            problem = worse
    return journal.failure(problem, job=job, message_id=message_id, metric=metric or None)


def refused(problem: Unwritable, *, job: str, metric: str = "", message_id: str) -> int:
    """A run could not be stored: count it, and tell it if that is news, or if a person asked for it; the exit code."""
    now_ms = clock.boottime_ms()
    place = f"{directory()}/{_PREFIX}{job}.{metric}"
    before = _read(place)
    if before is None or before.is_over(now_ms):
        _write(place, Refused(1, now_ms, now_ms, now_ms))
        return journal.failure(problem, job=job, metric=metric, message_id=message_id)
    before.count += 1
    before.last_ms = now_ms
    told = now_ms - before.told_ms >= TELL_MS
    before.told_ms = now_ms if told else before.told_ms
    if not _write(place, before) or told or _is_by_hand():
        return journal.failure(problem, job=job, metric=metric, message_id=message_id, again=True, count=before.count)
    return problem.exit_code


def standing(now_ms: int) -> tuple[int, int]:
    """How many runs were refused in the outage that lasts, or has ended within the last ten minutes, and for how many
    ms it has been going on; (0, 0) for none."""
    lasting = _lasting(now_ms)
    return sum(one.count for one in lasting), now_ms - min([one.first_ms for one in lasting], default=now_ms)


def latest_ms(now_ms: int) -> int | None:
    """For how many ms nothing was refused, in the same; None for no outage."""
    lasting = _lasting(now_ms)
    return now_ms - max(one.last_ms for one in lasting) if lasting else None


def _lasting(now_ms: int) -> list[Refused]:
    try:
        names = os.listdir(directory())
    except OSError:
        return []
    found = [_read(f"{directory()}/{name}") for name in names if name.startswith(_PREFIX)]
    return [one for one in found if one is not None and not one.is_over(now_ms)]


def directory() -> str:
    """Where the files are: what a test says, or what the units make."""
    return variable("BELABOX_METRICS_RUN") or DIRECTORY


def _is_by_hand() -> bool:
    """Whether somebody waits for the outcome. systemd gives each start of a unit a number, and a terminal that it has
    opened, as one of a desktop, inherits that."""
    return not variable("INVOCATION_ID") or sys.stderr.isatty()


def _read(place: str) -> Refused | None:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        words = os.read(descriptor, 128).split()
    finally:
        os.close(descriptor)
    if len(words) != 4 or not all(word.isdigit() for word in words):
        return None
    return Refused(*[int(word) for word in words])


def _write(place: str, found: Refused) -> bool:
    """Whether it was remembered. Two at once of one job, by hand, may lose one of the count."""
    text = f"{found.count} {found.first_ms} {found.last_ms} {found.told_ms}\n"
    try:
        descriptor = os.open(
            place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o640
        )
    except OSError:
        return False
    try:
        return os.write(descriptor, text.encode()) == len(text)
    except OSError:
        return False
    finally:
        os.close(descriptor)
