"""Load, and what becomes of the programs under it. Times are of this machine and whatever else it does."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.database import Store

from ..box import Box
from ..injection import Range
from ..outcome import Row
from ..quiet import quiet
from ..scratch import scratch
from .flood import Flood
from .process import Started, Took

HOURS, LONG_HOURS = 0.125, 48
CROWD = 64
LARGE, LONG_LARGE = 10 * 2**20, 1_000_000_000
# Collections that are timed beside busy loops, and how often they are due.
BUSY, LONG_BUSY = 4, 120
EVERY_S = 0.5
# As the unit has it.
NICE = ("nice", "-n", "5")
# Runs that are made, and then copied.
SEEDS = 2000
_AGAIN = """
INSERT INTO runs SELECT id + :by, job, lead_ms, boot, boottime_ms, synchronized, duration_us, outcome, priority,
    session, shape, packed, error FROM runs WHERE id > :first AND id <= :last
"""


def trials(long: bool) -> Iterator[Row]:
    with scratch() as folder:
        flood = Flood(Path(folder))
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
    """As many at once as there could ever be metrics."""
    box, said = here.box(), here.folder / "said"
    before = box.runs_of("collect")
    took: list[Took] = []
    for _ in range(times):
        started = [Started(box, "collect", said) for _ in range(CROWD)]
        took += [one.ended() for one in started]
    failed = sum(one.code != 0 for one in took)
    stored = box.runs_of("collect") - before
    wrong = box.wrong()
    if failed:
        wrong.append(f"{failed} of them left with another code: {said.read_text()[-300:]}")
    note = f"the last is done after {max(one.seconds for one in took):.2g} s, {_median(took)} of CPU each"
    lost, repeated = max(0, len(took) - failed - stored), max(0, stored - len(took))
    return Row(f"{CROWD} collectors at once", len(took), lost, repeated, None, note, wrong)


def _busy(here: Range, times: int) -> Row:
    """As beside an encoder that takes all there is, at a better nice level."""
    box = here.box()
    before = box.runs_of("collect")
    free = _cadence(box, here.folder / "said", times)
    cores = len(os.sched_getaffinity(0))
    loops = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(cores)]
    try:
        beside = _cadence(box, here.folder / "said", times)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    stored = box.runs_of("collect") - before
    wrong = box.wrong()
    failed = sum(one.code != 0 for one in [*free, *beside])
    if failed:
        wrong.append(f"{failed} failed: {(here.folder / 'said').read_text()[-300:]}")
    late = sum(one.seconds > 5 for one in beside)
    note = f"a collection takes {_seconds(beside)}, without them {_seconds(free)}; {late} took over 5 s"
    return Row(f"busy loops on all {cores} cores", 2 * times, max(0, 2 * times - failed - stored), 0, None, note, wrong)


def _cadence(box: Box, said: Path, times: int) -> list[Took]:
    begin, took = time.monotonic(), []
    for at in range(times):
        time.sleep(max(0.0, begin + at * EVERY_S - time.monotonic()))
        took.append(Started(box, "collect", said, NICE).ended())
    return took


def _large(here: Range, size: int) -> Row:
    """A database of so many bytes: whether a job takes longer than with a small one."""
    box, said = here.box(), here.folder / "said"
    small = [Started(box, "collect", said).ended() for _ in range(7)]
    past = fill(box, size)
    large = [Started(box, "collect", said).ended() for _ in range(7)]
    rest = {job: Started(box, job, said).ended() for job in ("upload", "maintain")}
    began = time.monotonic()
    asked = box.asked()
    answered_s = time.monotonic() - began
    wrong = [f"{job} left with {one.code}" for job, one in rest.items() if one.code]
    wrong += [] if '"status"' in asked.stdout else ["/health did not answer"]
    ratio = statistics.median(one.cpu_s for one in large) / statistics.median(one.cpu_s for one in small)
    there = box.number("SELECT count(*) FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = 'large'")
    note = f"CPU of a collection {ratio:.2f} times that with a small one"
    for job, one in rest.items():
        note += f"; {job} {one.seconds:.2g} s, {one.cpu_s:.2g} s of CPU"
    note += f"; /health after {answered_s:.2g} s"
    lost = past - there
    return Row(f"a database of {os.stat(box.database).st_size / 1e6:.0f} MB", 16, lost, 0, None, note, wrong)


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
    store.close()
    return there


def _median(took: list[Took]) -> str:
    return f"{statistics.median(one.cpu_s for one in took) * 1000:.0f} ms"


def _seconds(took: list[Took]) -> str:
    found = sorted(one.seconds for one in took)
    return f"{found[len(found) // 2] * 1000:.0f} ms, {found[-1] * 1000:.0f} at most"
