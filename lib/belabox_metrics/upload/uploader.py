"""The job `upload`: send what is due, most urgent first, then leave."""

from __future__ import annotations

import time

from .. import clock, journal
from ..distribution import make_importable
from ..errors import Damaged, Problem, Unwritable, UsageProblem
from ..intact import sound
from ..mark import UPLOAD
from ..remote.settings import Remote
from ..store import boots, queue, reserve, runs
from ..store import link as links
from ..store.checkpoint import LOG_LIMIT, log_size
from ..store.credible import must_be_credible
from ..store.database import DatabaseError, Store, database_path, problem
from ..store.lock import Lock
from . import mode
from .batch import Batch
from .correction import prepare
from .pace import Pace
from .plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any

    from ..store.link import Link

# How long one waits for another, as a rule for a single request of it. Who then leaves has touched neither the queue
# nor the file that woke it.
TURN_S = 30.0

USAGE = """usage: belabox-metrics upload [--due]

Send what is pending now, to remote.url of the configuration. What the server does not accept stays pending.

  --due  only what is due, and only when no failure of before asks to wait: what the timer does

Example: sudo belabox-metrics upload && sudo belabox-metrics verify --since 1h"""


def main(arguments: list[str]) -> int:
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    store = Store(database_path())
    # Two at a time would send the same samples, each under keys of its own. No collector waits for this lock.
    turn = Lock(f"{store.path}.upload", TURN_S)
    try:
        unknown = [argument for argument in arguments if argument != "--due"]
        if unknown:
            raise UsageProblem(f"takes no argument {unknown[0]}", hint="see upload --help")
        turn.acquire()
        return upload(store, clock.now(), everything="--due" not in arguments)
    except (Problem, DatabaseError) as caught:
        failed = problem(caught, store.path)
        if not isinstance(failed, (Damaged, Unwritable)):
            return journal.failure(failed, job="upload", message_id=journal.UPLOAD_FAILED)
        from ..refused import give_up

        if isinstance(failed, Unwritable):
            _sleep_on()
        return give_up(failed, store.path, job="upload", message_id=journal.UPLOAD_FAILED)
    finally:
        turn.release()


def _sleep_on() -> None:
    """What can't be written down is not sent, however urgent: systemd would start this one again and again for the
    file that woke it, and at once, since to come later is no failure."""
    try:
        UPLOAD.remove()
    except Problem:  # that there is no room is told already
        return


def upload(store: Store, moment: clock.Moment, everything: bool) -> int:
    """Send what is due, or `everything`; store the outcome as a run, tell the journal; the exit code."""
    started = time.perf_counter_ns()
    # First: a sample that is stored from now on makes it anew.
    UPLOAD.remove()
    reserve.use(store)
    connection = store.connection()
    remote = sound(store, "upload", Remote)
    must_be_credible(connection)
    if not remote.enabled:
        print("remote.enabled is false: nothing is sent")
        return 0
    link = links.read(connection, moment.boot_id)
    if not everything:
        if remote.mode == mode.OFFLINE:
            return 0
        critical = queue.oldest(connection, runs.CRITICAL) is not None
        if not link.may_try(moment.boottime_ms, critical, remote.retry.initial_backoff_ms):
            return 0
    before, known = link.error, (link.attempt_ms, link.outcomes)
    batch = Batch()
    plan: Plan | None = None
    failed: Problem | None = None
    try:
        plan = Plan(store, remote, moment, prepare(store, remote, moment), everything)
        if plan.read():
            _drain(store, remote, moment, plan, link, batch, everything)
        else:
            link.retry_ms = None  # what is due later has a timer; each collection would start this one
    except Damaged:
        raise
    except Problem as caught:
        failed = caught
        if plan is None:
            _note_silence(link, remote, moment, caught)
        # Also what is at fault here and not out there, so that it is told once and not each time.
        link.error = str(caught)
    outcome = runs.FAILED if failed else runs.DONE if batch.samples else runs.NO_DATA
    duration_us = (time.perf_counter_ns() - started) // 1000
    run = runs.Run("upload", moment, outcome=outcome, priority=3, error=str(failed or ""), duration_us=duration_us)
    with store.writing(checkpoint_first=log_size(store.path) >= LOG_LIMIT) as writing:
        runs.add(writing, run)
        # Unless the configuration was applied meanwhile: what this one found out is of another server, or token.
        found = links.read(writing, moment.boot_id)
        if (found.attempt_ms, found.outcomes) == known:
            links.write(writing, link, moment)
        if plan is not None:
            plan.note(writing)
    reserve.keep(store.path)
    code = _tell(remote, batch, link, failed, duration_us, again=bool(failed) and link.error == before)
    if everything and not failed:
        _tell_rest(connection)
    return code


def _note_silence(link: Link, remote: Remote, moment: clock.Moment, failed: Problem) -> None:
    """Where the server was asked for the time and gave no answer, that was the attempt."""
    from ..remote.unreachable import Unreachable
    from .attempts import Attempts

    if isinstance(failed, Unreachable):
        Attempts(link, remote, moment).unreachable(str(failed))


def _drain(
    store: Store, remote: Remote, moment: clock.Moment, plan: Plan, link: Link, batch: Batch, everything: bool
) -> None:
    """Imported only now that there is something to send: what speaks HTTP is most of what an upload costs."""
    make_importable()
    from ..remote.access import Access
    from .attempts import Attempts
    from .drain import Drain
    from .formats.choose import format_of
    from .sender import Sender
    from .transport import Transport

    shapes: dict[int, list[queue.Series]] = {}
    chosen = format_of(remote.format)
    attempts = Attempts(link, remote, moment)
    encoder = chosen(remote.device_id, shapes, remote.compression or link.mode != mode.REALTIME)
    sender = Sender(store, Transport(remote, Access(remote)), encoder, shapes, plan.correction, batch)
    live = runs.live_session(store.connection(), boots.number(store.connection(), moment.boot_id))
    pace = Pace(link.rate, remote.backfill, limited=bool(live) or not remote.backfill.unlimited_when_idle)
    try:
        Drain(remote, moment, plan, sender, attempts, pace, batch, everything).run()
    finally:
        link.rate = pace.rate


def _tell_rest(connection: Connection) -> None:
    """To a person who asked for everything, as one activation has its bounds, and samples may wait for the time."""
    left = queue.pending_count(connection)
    said = f"{_counted(left, 'sample')} {'is' if left == 1 else 'are'} still pending"
    print(said if left > 0 else "nothing is pending any more")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _tell(remote: Remote, batch: Batch, link: Link, failed: Problem | None, duration_us: int, again: bool) -> int:
    """`again`: it failed for the same reason as the time before, which is worth a line but no alarm."""
    if not failed and not batch.samples and not batch.rejected:
        return 0
    from ..remote.urls import endpoint

    fields: dict[str, Any] = {
        "batch_id": batch.id,
        "chunk_index": batch.chunks if failed else max(batch.chunks - 1, 0),
        "attempt": batch.attempt,
        "count": batch.samples,
        "endpoint": endpoint(remote.url),
        "http_status": batch.status,
        "bytes_sent": batch.bytes_sent,
        "bytes_received": batch.bytes_received,
        "duration_ms": f"{duration_us / 1000:.1f}",
        "mode": link.mode,
    }
    if batch.samples and not failed:
        message = f"{_counted(batch.samples, 'sample')} sent in {_counted(batch.chunks, 'chunk')}"
        journal.record(message, message_id=journal.UPLOADED, job="upload", **fields)
    if batch.doubt:
        message = f"{batch.doubt}: belabox-metrics verify tells what is missing"
        journal.record(message, priority=journal.WARNING, message_id=journal.UPLOADED, job="upload", **fields)
    if batch.rejected:
        message = f"{_counted(batch.rejected, 'sample')} set aside, which the server does not take"
        journal.record(message, priority=journal.WARNING, message_id=journal.REJECTED, job="upload", **fields)
    if failed:
        fields["backoff_ms"] = link.backoff_ms
        return journal.failure(failed, job="upload", message_id=journal.UPLOAD_FAILED, again=again, **fields)
    return 0
