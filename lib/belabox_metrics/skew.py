"""The job `clock`: how far the clock of this box is from the metrics server's.

The server's time is the header `Date` of an answer to a GET (RFC 9110, section 6.6.1); it is compared with the local
time half-way between question and answer. `Date` has whole seconds, so the truth is in [Date, Date + 1 s): the
middle is taken, and the result is right within 500 ms and half of the round trip. To ask around the turn of a second
would tell it better, at the price of more requests over a bad link; what hangs on it, a warning from two seconds on and
the time of samples taken before the clock was set, needs no better.
"""

from __future__ import annotations

import time

from . import clock, journal, timekeeper
from .errors import Damaged, Problem, TryLater, Unwritable, UsageProblem
from .intact import sound
from .remote.settings import Remote
from .remote.urls import date_url, endpoint, origin
from .sample import Sample
from .store import boots, runs
from .store.database import DatabaseError, Store, database_path, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Callable

    from .clock import Moment
    from .remote.client import Client, Reply

# An answer that took longer tells little.
LONGEST_MS = 5_000
# What took longer had a name to look up and to connect; asked again on the same connection it is quicker.
QUICK_MS = 1_000
ATTEMPTS = 2
# Of one second, the half.
DATE_MS = 500
# The two clocks of a moment are read one after the other.
JUMP_MS = 100
# Seconds that a cache may have kept an answer, in digits.
AGE_DIGITS = 9


class Skew:
    """`ms` that the box's clock is ahead of the server's, less than 0 when it is behind, give or take `error_ms`.
    `moment` is when the answer had come, `url` who gave it, after `duration_ms` and with `status`."""

    def __init__(self, ms: float, error_ms: float, moment: Moment, url: str, status: int, duration_ms: int) -> None:
        self.ms = ms
        self.error_ms = error_ms
        self.moment = moment
        self.url = url
        self.status = status
        self.duration_ms = duration_ms

    def is_beyond(self, threshold_ms: float) -> bool:
        """Whether the clocks differ by more than that, and for certain."""
        return abs(self.ms) > max(threshold_ms, self.error_ms)

    def right_ms(self, threshold_ms: float) -> int:
        """Unix time at `moment`: the box's own unless the server's tells that it is wrong."""
        right = self.moment.synchronized or not self.is_beyond(threshold_ms)
        return self.moment.wall_ms if right else round(self.moment.wall_ms - self.ms)


def main(arguments: list[str]) -> int:
    try:
        if arguments:
            raise UsageProblem(f"takes no argument: {arguments[0]}")
        return compare(Store(database_path()), clock.now())
    except (Problem, DatabaseError) as caught:
        failed = problem(caught, database_path())
        if not isinstance(failed, (Damaged, Unwritable)):
            return journal.failure(failed, job="clock")
        from .refused import give_up

        return give_up(failed, database_path(), job="clock", message_id=journal.JOB_FAILED)


def compare(store: Store, moment: Moment, now: Callable[[], Moment] = clock.now) -> int:
    """One comparison, stored as a run and told; the exit code. Raises what measure() does, after it was stored."""
    started = time.perf_counter_ns()
    if not moment.synchronized and timekeeper.is_at_work():
        timekeeper.mark()
    remote = sound(store, "clock", Remote)
    if not remote.enabled:
        print("remote.enabled is false: there is no server to compare with")
        return 0
    try:
        skew = measure(_client(remote), date_url(remote.url, remote.clock_skew_url), now)
        if skew.duration_ms > LONGEST_MS:
            raise TryLater(
                f"took {skew.duration_ms / 1000:.1f} s to answer, which tells little about its clock",
                where=endpoint(skew.url),
            )
    except Problem as failed:
        duration_us = (time.perf_counter_ns() - started) // 1000
        run = runs.Run("clock", moment, outcome=runs.FAILED, priority=3, error=str(failed), duration_us=duration_us)
        with store.writing() as connection:
            runs.add(connection, run)
        raise
    samples = [Sample("time.skew_ms", skew.ms), Sample("time.skew_error_ms", skew.error_ms)]
    duration_us = (time.perf_counter_ns() - started) // 1000
    with store.writing() as connection:
        runs.add(connection, runs.Run("clock", skew.moment, samples=samples, priority=3, duration_us=duration_us))
        remember(connection, skew, remote.clock_skew_warn_threshold_ms)
    _tell(remote, skew)
    return 0


def probe(store: Store, remote: Remote, now: Callable[[], Moment] = clock.now) -> None:
    """Find out what time it is before samples are sent whose time is not known otherwise. A slow answer is better than
    none.

    Where the server answers without telling its time, the box's own has to do, if it can be right at all.
    Raises Unreachable when the server gives no answer, TryLater when the clock is being set."""
    from .remote.unreachable import Unreachable

    client, url = _client(remote), date_url(remote.url, remote.clock_skew_url)
    threshold_ms = remote.clock_skew_warn_threshold_ms
    try:
        try:
            skew = measure(client, url, now)
        except Unreachable:
            # Another server only tells the time: that it is away says nothing about the one that takes samples.
            if origin(url) == origin(remote.url):
                raise
            skew = measure(client, date_url(remote.url), now)
    except NoTime as failed:
        moment = now()
        can_be_right = moment.wall_ms >= clock.EARLIEST_MS
        if can_be_right:
            with store.writing() as connection:
                boots.fix(connection, moment, moment.wall_ms)
        message = "samples keep the time they have" if can_be_right else "samples wait until somebody does"
        journal.record(f"nobody has set the clock: {message}", priority=journal.WARNING, job="clock", error=str(failed))
        return
    with store.writing() as connection:
        remember(connection, skew, threshold_ms)
    if skew.is_beyond(threshold_ms):
        _tell(remote, skew)


class NoTime(TryLater):
    """The server answers, but can't be asked for the time."""


def measure(client: Client, url: str, now: Callable[[], Moment] = clock.now) -> Skew:
    """Ask for the time at `url`. Raises Unreachable, NoTime when the answer does not tell it, TryLater when the clock
    is set meanwhile, ConfigProblem for a secret that is not there."""
    found: Skew | None = None
    for _ in range(ATTEMPTS):
        before = now()
        try:
            reply = client.get(url, {"Cache-Control": "no-cache"})
            after = now()
            server_ms = _time_of(reply, after, url)
        except TryLater:  # the first answer, slow as it was, stands
            if found is None:
                raise
            break
        took_ms = after.boottime_ms - before.boottime_ms
        if abs(after.wall_ms - before.wall_ms - took_ms) > JUMP_MS:
            continue
        if found is None or took_ms < found.duration_ms:
            local_ms = (before.wall_ms + after.wall_ms) / 2
            found = Skew(local_ms - server_ms, DATE_MS + took_ms / 2, after, url, reply.status, took_ms)
        if took_ms <= QUICK_MS:
            break
    if found is None:
        raise TryLater("the clock of this box is being set", where=endpoint(url))
    return found


def remember(connection: Connection, skew: Skew, threshold_ms: float) -> None:
    """Store what was measured: as what is known of the link, and as the right time of this boot if nothing told it
    before. Inside a transaction."""
    boots.fix(connection, skew.moment, skew.right_ms(threshold_ms))
    connection.execute(
        "UPDATE link SET skew_ms = ?, skew_boot = (SELECT id FROM boots WHERE boot_id = ?), skew_boottime_ms = ?",
        (skew.ms, skew.moment.boot_id, skew.moment.boottime_ms),
    )


def _tell(remote: Remote, skew: Skew) -> None:
    is_off = skew.is_beyond(remote.clock_skew_warn_threshold_ms)
    side = "ahead of" if skew.ms > 0 else "behind"
    server = endpoint(skew.url)
    message = f"the clock of {remote.device_id} is {abs(skew.ms) / 1000:.1f} s {side} that of {server}"
    message += f", give or take {skew.error_ms / 1000:.1f} s"
    if is_off:
        message += "; if a proxy answers there, it is the proxy's clock: monitoring.clock_skew_url may name another"
    journal.record(
        message,
        priority=journal.WARNING if is_off else journal.NOTICE,
        message_id=journal.CLOCK_WRONG if is_off else journal.CLOCK_COMPARED,
        job="clock",
        endpoint=server,
        http_status=skew.status,
        duration_ms=skew.duration_ms,
        skew_ms=f"{skew.ms:.0f}",
    )


def _time_of(reply: Reply, now: Moment, url: str) -> float:
    """The middle of the second that the server says it is, Unix time in ms. Whatever the status: the header is right
    with a 404 as well."""
    from .remote import http_date

    date = http_date.parse(reply.headers.get("date", ""), now.wall_ms / 1000)
    where = endpoint(url)
    if date is None:
        hint = "set monitoring.clock_skew_url to another server"
        raise NoTime("the answer has no Date that can be read", where=where, hint=hint)
    # What a cache kept has the Date of when it was made (RFC 9111, section 5.1).
    age = reply.headers.get("age", "")
    if age.isascii() and age.isdigit() and len(age) <= AGE_DIGITS:
        date += int(age)
    if date * 1000 < clock.EARLIEST_MS:
        raise NoTime("the answer has a Date before 2020, so that clock was never set", where=where)
    return date * 1000 + DATE_MS


def _client(remote: Remote) -> Client:
    from .remote.access import Access
    from .remote.client import Client

    return Client(Access(remote), min(remote.timeout_s, LONGEST_MS / 1000))
