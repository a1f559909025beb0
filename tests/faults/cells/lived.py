"""A box with something in each table: what was sent, is on its way, waits behind, was refused, is rolled up."""

from __future__ import annotations

import time
from pathlib import Path

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import backlog, queue, rejected, runs
from belabox_metrics.store.database import Store

from ..box import DAY_MS, Box
from ..server import Server

# Runs of a kind, numbers of each.
RUNS, NUMBERS = 4, 3
# So long ago that they are rolled up by five minutes, and gone.
LONG_AGO_MS, GONE_MS = 40 * DAY_MS, 500 * DAY_MS


def lived(template: Box, folder: Path, server: Server) -> Box:
    """A copy of `template`, after that."""
    box = template.copy(folder)
    store = Store(str(box.database))
    now_ms = time.time_ns() // 1_000_000
    _add(store, "gone", now_ms - GONE_MS)
    _add(store, "long ago", now_ms - LONG_AGO_MS)
    box.ready(box.job("upload"), box.job("maintain"))
    _add(store, "refused", now_ms)
    with store.writing() as connection:
        for run in queue.pending(connection, runs.NORMAL, NUMBERS):
            rejected.set_aside(connection, run, 0, 1.5, 400, "not wanted", now_ms)
    box.ready(box.job("upload"))
    _add(store, "behind", now_ms)
    with store.writing() as connection:
        before, frontier = queue.position(connection, runs.NORMAL), queue.frontier(connection)
        backlog.add(connection, runs.NORMAL, before, frontier)
        queue.advance(connection, runs.NORMAL, frontier)
    _add(store, "on its way", now_ms)
    server.is_up = False
    if not box.job("upload").returncode:
        raise RuntimeError("nothing is on its way")
    server.is_up = True
    for priority in queue.PRIORITIES:
        _add(store, f"waits {priority}", now_ms, priority)
    store.close()
    return box


def _add(store: Store, metric: str, wall_ms: int, priority: int = runs.NORMAL) -> None:
    with store.writing() as connection:
        for at in range(RUNS):
            samples = [Sample(f"{metric.replace(' ', '_')}.value", at + n / 10, {"of": str(n)}) for n in range(NUMBERS)]
            moment = Moment(wall_ms - RUNS + at, 1000 + at, "before", True)
            runs.add(connection, runs.Run("collect", moment, metric=metric, samples=samples, priority=priority))
