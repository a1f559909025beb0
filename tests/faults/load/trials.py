"""Load, and what becomes of the programs under it. Times are of this machine and whatever else it does."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from belabox_metrics.clock import Moment
from belabox_metrics.config.known import discover
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.database import Store

from ..box import Box
from ..injection import Range
from ..outcome import Row
from ..quiet import quiet
from ..scratch import scratch
from .cadence import METRIC, cadence
from .encoder import Encoder
from .flood import Flood
from .process import Started, collection

# Of the short form the network comes and goes faster: each way of being away has its turn.
HOURS, LONG_HOURS = 0.125, 48
SHORT_S = (10, 60)
CROWD = 64
LARGE, LONG_LARGE = 10 * 2**20, 1_000_000_000
# Collections that are due beside an encoder.
BUSY, LONG_BUSY = 4, 120
# Collections with a small database, and with a large one.
TIMED = 7
# Runs that are made, and then copied.
SEEDS = 2000
_AGAIN = """
INSERT INTO runs SELECT id + :by, job, lead_ms, boot, boottime_ms, synchronized, duration_us, outcome, priority,
    session, shape, packed, error FROM runs WHERE id > :first AND id <= :last
"""
# What the copies are to their job.
_COUNTED = """
UPDATE jobs SET runs_total = (SELECT count(*) FROM runs WHERE job = jobs.id),
    last_run = (SELECT max(id) FROM runs WHERE job = jobs.id) WHERE metric = 'large'
"""
_COLLECTED = """
SELECT metric, count(*) FROM runs JOIN jobs ON jobs.id = runs.job WHERE jobs.job = 'collect' GROUP BY metric
"""
# The numbers of the last so many runs.
_LAST = """
SELECT id - lead_ms, packed FROM runs WHERE job = (SELECT id FROM jobs WHERE job = 'collect' AND metric = ?)
    ORDER BY id DESC LIMIT ?
"""


def trials(long: bool) -> Iterator[Row]:
    with scratch() as folder:
        flood = Flood(Path(folder)) if long else Flood(Path(folder), SHORT_S, SHORT_S)
        with quiet():
            flood.live(LONG_HOURS if long else HOURS)
        yield flood.reckoned()
        flood.store.close()
        flood.server.close()
    with Range() as here:
        yield _crowd(here, 10 if long else 1)
        yield _busy(here, LONG_BUSY if long else BUSY)
        yield _large(here, LONG_LARGE if long else LARGE)


def _crowd(here: Range, times: int) -> Row:
    """As many at once as there could ever be metrics: of each that works here, in turn."""
    box, said = here.box(), here.folder / "said"
    every = sorted(discover())
    alone = {metric: Started(box, collection(box, metric), said).ended().code for metric in every}
    # A metric without its source has no data, and ends well; one that may not read it has failed.
    metrics = [metric for metric in every if alone[metric] == 0]
    before = _collected(box)
    # One that failed may have stored just that.
    begun: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    seconds: list[float] = []
    cpu_s: list[float] = []
    failed = []
    for _ in range(times):
        turns = [metrics[at % len(metrics)] for at in range(CROWD)]
        started = [(metric, Started(box, collection(box, metric), said)) for metric in turns]
        begun.update(turns)
        for metric, one in started:
            took = one.ended()
            seconds.append(took.seconds)
            cpu_s.append(took.cpu_s)
            if took.code:
                failed.append(f"{metric} left with {took.code}")
            else:
                expected[metric] += 1
    stored = _collected(box)
    stored.subtract(before)
    wrong = box.wrong() + failed
    note = (
        f"{len(metrics)} metrics, the last is done after {max(seconds):.2g} s, "
        f"{statistics.median(cpu_s) * 1000:.0f} ms of CPU each"
    )
    if unable := sorted(set(every) - set(metrics)):
        note += f"; not here: {', '.join(unable)}"
    lost = sum(max(0, expected[metric] - stored[metric]) for metric in metrics)
    repeated = sum(max(0, stored[metric] - begun[metric]) for metric in metrics)
    return Row(f"{CROWD} collectors at once", len(seconds), lost, repeated, None, note, wrong)


def _busy(here: Range, times: int) -> Row:
    """As beside an encoder that takes all there is, at a better nice level."""
    box, said = here.box(), here.folder / "said"
    before = box.runs_of("collect")
    free = cadence(box, said, times)
    with Encoder() as encoder:
        beside = cadence(box, said, times)
    stored = box.runs_of("collect") - before
    wrong = box.wrong()
    if failed := free.failed + beside.failed:
        wrong.append(f"{failed} failed: {said.read_text()[-300:]}")
    should = free.stored + beside.stored
    note = f"it has {encoder.cores:.2g} cores; {beside.text()}; without it {free.text()}"
    lost, repeated = max(0, should - stored), max(0, stored - should - failed)
    return Row(encoder.name, len(beside.took), lost, repeated, None, note, wrong)


def _large(here: Range, size: int) -> Row:
    """A database of so many bytes: whether a job takes longer than with a small one."""
    box, said = here.box(), here.folder / "said"
    command = collection(box, METRIC)
    small = [Started(box, command, said).ended() for _ in range(TIMED)]
    past = fill(box, size)
    large = [Started(box, command, said).ended() for _ in range(TIMED)]
    rest = {job: Started(box, box.command(job), said).ended() for job in ("upload", "maintain")}
    began = time.monotonic()
    asked = box.asked()
    answered_s = time.monotonic() - began
    wrong = [f"collect left with {one.code}" for one in [*small, *large] if one.code]
    wrong += [f"{job} left with {one.code}" for job, one in rest.items() if one.code]
    wrong += [] if '"status"' in asked.stdout else ["/health did not answer"]
    wrong += box.wrong()
    ratio = statistics.median(one.cpu_s for one in large) / statistics.median(one.cpu_s for one in small)
    there = box.number("SELECT count(*) FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = 'large'")
    note = f"CPU of a collection {ratio:.2f} times that with a small one"
    for job, one in rest.items():
        note += f"; {job} {one.seconds:.2g} s, {one.cpu_s:.2g} s of CPU"
    note += f"; /health after {answered_s:.2g} s"
    # What was collected beside it is all that there was to send.
    unsent, repeated = _sent(here, box, sum(one.code == 0 for one in large))
    tried = len(large) + len(rest) + 1
    what = f"a database of {os.stat(box.database).st_size / 1e6:.0f} MB"
    return Row(what, tried, past - there + unsent, repeated, None, note, wrong)


def _sent(here: Range, box: Box, last: int) -> tuple[int, int]:
    """Of the numbers of the last so many collections: how many the server lacks, and how many it has twice."""
    wanted: Counter[tuple[int, float]] = Counter()
    for stamp, packed in box.sql(_LAST, METRIC, last):
        wanted.update((int(str(stamp)), float(number)) for number in json.loads(str(packed)))
    came: Counter[tuple[int, float]] = Counter()
    for (_, stamp, number), times in here.server.arrived().items():
        came[stamp, float(number)] += times
    return sum((wanted - came).values()), sum((came - wanted).values())


def fill(box: Box, size: int) -> int:
    """Runs of the last two days until the file is so large, all sent; how many."""
    store = Store(str(box.database))
    begin_ms = time.time_ns() // 1_000_000 - 40 * 3_600_000
    with store.writing() as connection:
        for at in range(1, SEEDS + 1):
            samples = [Sample("value", (at * 7 + of) % 1000 / 10, {"of": str(of)}) for of in range(160)]
            moment = Moment(begin_ms + at, 1000 + at, "before", True)
            runs.add(connection, runs.Run("collect", moment, metric="large", samples=samples))
    # What was written before is later than these ids: so those are counted on from the last.
    (last,) = connection.execute("SELECT max(id) FROM runs").fetchone()
    there = SEEDS
    while os.stat(box.database).st_size < size:
        with store.writing(checkpoint_first=True) as connection:
            connection.execute(_AGAIN, {"last": last, "first": last - SEEDS, "by": there})
            there += SEEDS
            frontier = queue.frontier(connection)
            for priority in queue.PRIORITIES:
                queue.advance(connection, priority, frontier)
    with store.writing() as connection:
        connection.execute(_COUNTED)
    store.close()
    return there


def _collected(box: Box) -> Counter[str]:
    """How many runs there are of each metric."""
    return Counter({str(metric): int(str(times)) for metric, times in box.sql(_COLLECTED)})
