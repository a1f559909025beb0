"""The course of a session as its runs have it: when the clock was set, when nothing was recorded, what came after it.

Numbers of the past are given by history.py; this is about the runs themselves.
"""

from __future__ import annotations

from .runs import FAILED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# Wall clock and time since boot are read one after the other, and a clock is slewed all the time.
JUMP_MS = 2_000
# No box is without a run for so long: the shortest interval is five seconds, and the default schedule has nine within
# half a minute.
QUIET_MS = 60_000
# Before the clock was set a session has runs that are older than its start. An hour has some 2000 runs.
EARLIER = 5_000
# So many runs of no session, or of another, behind the last of this one: there are no more.
LATER = 2_000
MOST_FAILURES = 2_000

_RUNS = """
SELECT id - lead_ms, boottime_ms, boot, job, outcome, error, packed IS NOT NULL,
    session = (SELECT number FROM sessions WHERE sessions.id = ?1)
FROM runs WHERE id >= coalesce((SELECT id FROM runs WHERE id < ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3), 0) ORDER BY id
"""


class Jump:
    """The wall clock was set: from `at_ms`, by the new time, it is `by_ms` further than it would have been."""

    __slots__ = ("at_ms", "by_ms")

    def __init__(self, at_ms: int, by_ms: int) -> None:
        self.at_ms = at_ms
        self.by_ms = by_ms


class Failure:
    """A run that failed, of the metric, when (Unix time, ms) and why."""

    __slots__ = ("at_ms", "error", "metric")

    def __init__(self, at_ms: int, metric: str, error: str) -> None:
        self.at_ms = at_ms
        self.metric = metric
        self.error = error


class Course:
    """`jumps`; `quiet`: [since, until] without a run; `failures`, the first MOST_FAILURES; `last_ms`: of the last run;
    `next_boot_ms`: when the box started anew after it, None where the next run is of the same boot or there is none.
    All Unix time, ms."""

    __slots__ = ("failures", "jumps", "last_ms", "next_boot_ms", "quiet")

    def __init__(self) -> None:
        self.jumps: list[Jump] = []
        self.quiet: list[tuple[int, int]] = []
        self.failures: list[Failure] = []
        self.last_ms: int | None = None
        self.next_boot_ms: int | None = None


def read(connection: Connection, session_id: str, start_ms: int) -> Course:
    """Empty where the runs are gone, which is what becomes of old ones."""
    # An event has the time of what happened, not of when it was stored.
    jobs: dict[int, str] = dict(connection.execute("SELECT id, metric FROM jobs WHERE job <> 'event'").fetchall())
    course = Course()
    last: tuple[int, int, int] | None = None
    later = 0
    for wall_ms, boottime_ms, boot, job, outcome, error, has_values, own in connection.execute(
        _RUNS, (session_id, start_ms, EARLIER)
    ):
        if not own:
            if last and boot != last[2]:
                course.next_boot_ms = wall_ms - boottime_ms
                break
            later += last is not None
            if later > LATER:
                break
            continue
        later = 0
        if job not in jobs:
            continue
        if outcome == FAILED and jobs[job] and len(course.failures) < MOST_FAILURES:
            course.failures.append(Failure(wall_ms, jobs[job], error or ""))
        # Of old ones those with values are rolled up first: what is left has gaps. And two that began at once may be
        # stored the other way round.
        if not has_values or (last and boot == last[2] and boottime_ms < last[1]):
            continue
        if last and boot == last[2]:
            _compare(course, last, wall_ms, boottime_ms)
        last = wall_ms, boottime_ms, boot
    course.last_ms = last[0] if last else None
    return course


def _compare(course: Course, last: tuple[int, int, int], wall_ms: int, boottime_ms: int) -> None:
    passed_ms = boottime_ms - last[1]
    by_ms = wall_ms - last[0] - passed_ms
    if abs(by_ms) > JUMP_MS:
        course.jumps.append(Jump(wall_ms, by_ms))
    elif passed_ms > QUIET_MS:
        course.quiet.append((last[0], wall_ms))
