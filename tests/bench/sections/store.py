"""Bytes a stored sample after two days at ten thousand samples a minute, and what an insert costs as it fills."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from ..figures import Figure, Spread, short, spread
from ..options import Options
from ..processes import CHECKOUT, fill_naive

sys.path.insert(0, str(CHECKOUT / "lib"))

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store

# The schedule as it is: (metric, every s, values, counters of them): 400 samples a minute. For ten thousand its clock
# goes 25 times as fast.
SCHEDULE = (
    ("srt.packet_loss", 5, 8, 0),
    ("cpu.usage", 10, 9, 0),
    ("network.traffic", 10, 32, 32),
    ("cpu.temperature", 30, 8, 0),
    ("memory.usage", 30, 5, 5),
    ("disk.io", 30, 16, 16),
)
STEP_S = 5
FASTER = 25
MINUTES = 48 * 60
# From there on to a gigabyte with long runs, which fill it sooner.
VALUES = 80
RUNS_A_MINUTE = 125
TRANSACTION = 500
GIGABYTE = 1_000_000_000
EPOCH_MS = 1_760_000_000_000
NAIVE_SAMPLES = 200_000


def measure(options: Options) -> list[Figure]:
    folder = options.folder("store")
    empty = Store(str(folder / "empty.db"))
    _write(empty, 0, RUNS_A_MINUTE)
    at_empty = inserts(empty)
    store = Store(str(folder / "metrics.db"))
    minutes = MINUTES // 20 if options.quick else MINUTES
    samples = _two_days(store, minutes)
    size = os.path.getsize(store.path)
    detail = f"{short(samples)} samples, {short(minutes / 60)} h at 10 000 a minute, {short(size / 1e6)} MB"
    stored = Figure("store", "bytes a stored sample", size / samples, "bytes", detail, 12)
    _grow(store, minutes * RUNS_A_MINUTE, GIGABYTE // 20 if options.quick else GIGABYTE)
    at_full = inserts(store)
    return [stored, _naive(folder), _growth(at_empty, at_full, os.path.getsize(store.path))]


def _growth(empty: Spread, full: Spread, size: int) -> Figure:
    detail = f"{full} µs ÷ {empty} µs, transaction of one run in an open connection, {short(size / 1e6)} MB"
    return Figure("store", "insert when full ÷ when empty", full.over(empty), "x", detail, 1.5)


def run_of(rng: random.Random, number: int, counters: list[int]) -> runs.Run:
    """A run of `VALUES` values: half counters of up to ten digits, half rounded to two decimals, as real ones are."""
    moment = Moment(EPOCH_MS + number * 60_000 // RUNS_A_MINUTE, number * 60_000 // RUNS_A_MINUTE, "boot", True)
    values: list[float] = [round(rng.uniform(0, 100), 2) for _ in range(VALUES - len(counters))]
    for at in range(len(counters)):
        counters[at] += rng.randrange(50_000)
    samples = [Sample("bench.value", value, {"at": str(at)}) for at, value in enumerate([*counters, *values])]
    return runs.Run("collect", moment, metric="bench", samples=samples)


def _write(store: Store, first: int, last: int) -> None:
    """Many runs in a transaction, the checkpoint after each: only what is in the file in the end is of interest."""
    rng = random.Random(first)
    counters = [rng.randrange(10**6, 10**9) for _ in range(VALUES // 2)]
    for start in range(first, last, TRANSACTION):
        with store.writing(checkpoint_first=True) as connection:
            for number in range(start, min(start + TRANSACTION, last)):
                runs.add(connection, run_of(rng, number, counters))
    with store.writing(checkpoint_first=True):
        pass


def _grow(store: Store, at: int, size: int) -> None:
    while os.path.getsize(store.path) < size:
        _write(store, at, at + 50 * RUNS_A_MINUTE)
        at += 50 * RUNS_A_MINUTE


def inserts(store: Store) -> Spread:
    """CPU µs of one run's transaction."""
    rng = random.Random(1)
    counters = [10**8] * (VALUES // 2)
    last = int(store.connection().execute("SELECT max(id) FROM runs").fetchone()[0])
    number = (last - EPOCH_MS) * RUNS_A_MINUTE // 60_000
    spent = []
    for step in range(400):
        run = run_of(rng, number + 2 + step, counters)
        started = time.process_time_ns()
        with store.writing() as connection:
            runs.add(connection, run)
        spent.append((time.process_time_ns() - started) / 1000)
    with store.writing(checkpoint_first=True):
        pass
    return spread(spent)


def _two_days(store: Store, minutes: int) -> int:
    """So many minutes of the schedule at its faster pace; how many samples these were."""
    rng = random.Random(2)
    totals = {metric: [rng.randrange(10**6, 10**9) for _ in range(counters)] for metric, _, _, counters in SCHEDULE}
    samples = 0
    seconds = minutes * 60 * FASTER
    for start in range(0, seconds, 600):
        with store.writing(checkpoint_first=True) as connection:
            for second in range(start, min(start + 600, seconds), STEP_S):
                for metric, every, values, counters in SCHEDULE:
                    if second % every == 0:
                        count = totals[metric] = [total + rng.randrange(2000) for total in totals[metric]]
                        gauges = [round(rng.uniform(0, 100), 2) for _ in range(values - counters)]
                        passed = second * 1000 // FASTER
                        named = [Sample(metric, value, {"at": str(at)}) for at, value in enumerate([*count, *gauges])]
                        moment = Moment(EPOCH_MS + passed, passed, "boot", True)
                        runs.add(connection, runs.Run("collect", moment, metric=metric, samples=named))
                        samples += values
    with store.writing(checkpoint_first=True):
        pass
    return samples


def _naive(folder: Path) -> Figure:
    """The specification's table, one row a sample, five indexes."""
    path = folder / "naive.db"
    fill_naive(path, NAIVE_SAMPLES)
    size = os.path.getsize(path)
    detail = f"{short(NAIVE_SAMPLES)} samples, {short(size / 1e6)} MB"
    return Figure("store", "bytes a sample, naive form", size / NAIVE_SAMPLES, "bytes", detail)
