"""The write-ahead log is moved into the database, so that whoever opens it has little to read."""

from __future__ import annotations

import time

from ..sample import Sample
from ..store.checkpoint import log_size, write_out
from .work import Done

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .work import Work

BUSY = "a reader was in the way, the log stays until the next time"


def checkpoint(work: Work) -> Done:
    """Truncate the log. Who does that writes a row of its own before it lets go of the lock (store/checkpoint.py)."""
    before = log_size(work.store.path)
    write_out(work.store.path)
    started = time.perf_counter()
    writing = work.store.writing(checkpoint_first=True)
    with writing as connection:
        # Where a reader was in the way it may have grown meanwhile.
        reclaimed = max(0, before - log_size(work.store.path))
        took_ms = (time.perf_counter() - started) * 1000
        samples = [
            Sample("storage.wal_checkpoint_duration_ms", round(took_ms, 3)),
            Sample("storage.wal_bytes_reclaimed", reclaimed),
        ]
        message = f"checkpoint: {reclaimed} bytes of log reclaimed" if writing.checkpointed else BUSY
        done = Done(samples, message, warning=not writing.checkpointed)
        work.report(connection, "checkpoint", done, took_ms)
    work.pace.folded(took_ms / 1000)
    work.pace.rest()
    return done
