"""The job `maintain`: move the write-ahead log into the database."""

from __future__ import annotations

import time

from . import clock, journal
from .errors import Problem
from .sample import Sample
from .store import runs
from .store.checkpoint import log_size
from .store.database import Store, database_path


def main(_arguments: list[str]) -> int:
    started = time.perf_counter_ns()
    try:
        return maintain(Store(database_path()), clock.now(), started)
    except Problem as problem:
        return journal.failure(problem, job="maintain")


def maintain(store: Store, moment: clock.Moment, started: int) -> int:
    """One checkpoint, reported as a run; the exit code."""
    before = log_size(store.path)
    store.connection()
    writing = store.writing(checkpoint_first=True)
    with writing as connection:
        reclaimed = before - log_size(store.path)
        duration_us = (time.perf_counter_ns() - started) // 1000
        samples = [
            Sample("storage.wal_checkpoint_duration_ms", duration_us / 1000),
            Sample("storage.wal_bytes_reclaimed", reclaimed),
        ]
        error = "" if writing.checkpointed else "a reader was in the way, the log stays until the next time"
        run = runs.Run("maintain", moment, samples=samples, priority=3, error=error, duration_us=duration_us)
        runs.add(connection, run)
    message = error or f"checkpoint: {reclaimed} bytes of log reclaimed"
    journal.record(
        message,
        priority=journal.WARNING if error else journal.NOTICE,
        message_id=journal.MAINTAINED,
        job="maintain",
        count=run.size,
        duration_ms=f"{duration_us / 1000:.1f}",
    )
    return 0
