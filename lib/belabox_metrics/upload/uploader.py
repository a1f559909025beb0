"""The job `upload`: send what is pending, most urgent first, then leave.

The lock is never held across the network: read what is pending, send it, and only then, in a transaction of its own,
move the position. A process that dies in between has changed nothing.
"""

from __future__ import annotations

import gzip
import time
import uuid

from .. import clock, journal
from ..distribution import make_importable
from ..errors import Problem, TryLater, UsageProblem
from ..remote.settings import Remote
from ..remote.urls import endpoint
from ..store import queue, runs
from ..store.checkpoint import LOG_LIMIT, log_size
from ..store.database import DatabaseError, Store, database_path, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..store.queue import PendingRun
    from .jsonl import Lines
    from .transport import Answer, Transport


# After an outage, what one activation sends at most: most of what it costs is to have started, and values of one series
# that go together take less than half of the bytes. Of the default batch these are 50 000 numbers, some 250 KB.
BACKLOG_BATCHES = 20
# With the longest answer (remote/settings.py) and what it takes to connect, less than the unit's TimeoutStartSec=.
BACKLOG_S = 60.0
# Numbers; 256 KB even if each should take 13 bytes.
LONGEST_CHUNK = 20_000


USAGE = """usage: belabox-metrics upload

Send what is pending now, to remote.url of the configuration. What the server does not accept stays pending."""


class Batch:
    """What one activation has sent so far."""

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.chunks = 0
        self.samples = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self.status: int | None = None

    def add(self, answer: Answer, samples: int) -> None:
        self.chunks += 1
        self.samples += samples
        self.count(answer)

    def count(self, answer: Answer) -> None:
        self.bytes_sent += answer.bytes_sent
        self.bytes_received += answer.bytes_received
        self.status = answer.status


def main(arguments: list[str]) -> int:
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    try:
        if arguments:
            raise UsageProblem(f"takes no argument: {arguments[0]}", hint="see upload --help")
        return upload(Store(database_path()), clock.now())
    except DatabaseError as error:
        return journal.failure(problem(error, database_path()), job="upload", message_id=journal.UPLOAD_FAILED)
    except Problem as failed:
        return journal.failure(failed, job="upload", message_id=journal.UPLOAD_FAILED)


def upload(store: Store, moment: clock.Moment) -> int:
    """Send up to one batch, or some of a backlog; store the outcome as a run, tell the journal; the exit code."""
    started = time.perf_counter_ns()
    remote = Remote(store.connection())
    if not remote.enabled:
        print("remote.enabled is false: nothing is sent")
        return 0
    batch = Batch()
    failed: Problem | None = None
    try:
        send_pending(store, remote, batch)
    except Problem as caught:
        failed = caught
    outcome = runs.FAILED if failed else runs.DONE if batch.samples else runs.NO_DATA
    duration_us = (time.perf_counter_ns() - started) // 1000
    run = runs.Run("upload", moment, outcome=outcome, priority=3, error=str(failed or ""), duration_us=duration_us)
    with store.writing(checkpoint_first=log_size(store.path) >= LOG_LIMIT) as connection:
        runs.add(connection, run)
    return _tell(remote, batch, failed, duration_us)


def send_pending(store: Store, remote: Remote, batch: Batch) -> None:
    """Chunk after chunk in the order of priority and time, at most `batch_size` numbers. Of more than that some
    batches, each in one chunk. Raises what transport raises; what was sent until then stays sent."""
    connection = store.connection()
    chunk_size, most = remote.chunk_size, remote.batch_size
    if queue.pending_count(connection) > remote.batch_size:
        chunk_size, most = max(chunk_size, min(remote.batch_size, LONGEST_CHUNK)), BACKLOG_BATCHES * remote.batch_size
    until = time.monotonic() + BACKLOG_S
    # Taken first: what is stored from here on is the next activation's.
    frontier = queue.frontier(connection)
    sender: tuple[Transport, Lines] | None = None
    shapes: dict[int, list[queue.Series]] = {}
    for priority in queue.PRIORITIES:
        waiting: list[PendingRun] = []
        while batch.samples < most and time.monotonic() < until:
            waiting = waiting or queue.pending(connection, priority, min(remote.batch_size, most - batch.samples))
            if not waiting:
                break
            chunk, waiting = _split(waiting, chunk_size)
            for run in chunk:
                if run.shape not in shapes:
                    shapes[run.shape] = queue.series_of(connection, run.shape)
            sender = sender or _sender(remote, shapes)
            _send(store, sender, batch, priority, chunk, remote.compression)
        if not waiting and batch.samples < remote.batch_size and time.monotonic() < until:
            _skip(store, priority, frontier)


def _sender(remote: Remote, shapes: dict[int, list[queue.Series]]) -> tuple[Transport, Lines]:
    """Imported only now that there is something to send: requests is most of what an upload costs."""
    make_importable()
    from ..remote.access import Access
    from .jsonl import Lines
    from .transport import Transport

    transport = Transport(remote, Access(remote))
    return transport, Lines(remote.device_id, shapes)


def _send(
    store: Store,
    sender: tuple[Transport, Lines],
    batch: Batch,
    priority: int,
    chunk: list[PendingRun],
    compression: bool,
) -> None:
    transport, lines = sender
    count = sum(len(run.numbers) for run in chunk)
    body = lines.build(chunk).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    if compression:
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    answer = transport.post(body, headers)
    _judge(answer, transport.endpoint)
    with store.writing() as connection:
        queue.advance(connection, priority, chunk[-1].id)
        queue.count(connection, priority, sent=count)
        now_ms = time.time_ns() // 1_000_000
        queue.note_chunk(connection, batch.id, batch.chunks, chunk[-1].id, chunk[-1].timestamp_ms, now_ms, count)
    batch.add(answer, count)


# BestSpeed costs half the CPU of the default for a tenth more bytes.
GZIP_LEVEL = 1


class Refused(Problem):
    """The server answered, with something else than 2xx. `answer` tells what."""

    def __init__(self, what: str, answer: Answer, **more: str) -> None:
        super().__init__(what, **more)
        self.answer = answer


class BusyServer(Refused, TryLater):
    """429 or 5xx: the same bytes may pass later."""

    exit_code = TryLater.exit_code


def _judge(answer: Answer, where: str) -> None:
    status = answer.status
    if 200 <= status < 300:
        if answer.is_web_page:
            hint = "somebody's log-in page? everything stays pending"
            raise Refused(f"the server answered {status} with a web page", answer, where=where, hint=hint)
        return
    if status == 429 or status >= 500:
        raise BusyServer(f"the server answered {status}", answer, where=where, hint="sent again later")
    hint = "a redirect is not followed, set remote.url to where it leads" if 300 <= status < 400 else ""
    raise Refused(f"the server answered {status}", answer, where=where, hint=hint or "everything stays pending")


def _skip(store: Store, priority: int, frontier: int) -> None:
    """Nothing of this priority is left up to `frontier`: the next activation need not look there again."""
    at = store.connection().execute("SELECT run FROM positions WHERE priority = ?", (priority,)).fetchone()[0]
    # A position is worth a write only when looking again would cost more.
    if frontier - at > SKIP_MS:
        with store.writing() as connection:
            queue.advance(connection, priority, frontier)


SKIP_MS = 10 * 60 * 1000


def _split(waiting: list[PendingRun], chunk_size: int) -> tuple[list[PendingRun], list[PendingRun]]:
    """The first chunk, of whole runs: `chunk_size` numbers at most, or one run that has more; and the rest."""
    count = 0
    for at, run in enumerate(waiting):
        count += len(run.numbers)
        if at and count > chunk_size:
            return waiting[:at], waiting[at:]
    return waiting, []


def _tell(remote: Remote, batch: Batch, failed: Problem | None, duration_us: int) -> int:
    answer = getattr(failed, "answer", None)
    if answer is not None:
        batch.count(answer)
    fields: dict[str, Any] = {
        "batch_id": batch.id,
        "chunk_index": batch.chunks if failed else batch.chunks - 1,
        "attempt": 1,
        "count": batch.samples,
        "endpoint": endpoint(remote.url),
        "http_status": batch.status,
        "bytes_sent": batch.bytes_sent,
        "bytes_received": batch.bytes_received,
        "duration_ms": f"{duration_us / 1000:.1f}",
    }
    if failed:
        return journal.failure(failed, job="upload", message_id=journal.UPLOAD_FAILED, **fields)
    if batch.samples:
        message = f"{batch.samples} samples sent in {batch.chunks} chunks"
        journal.record(message, message_id=journal.UPLOADED, job="upload", **fields)
    return 0
