"""The load: the full schedule, the same at every call."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple, Union

Row = tuple[Any, ...]
Number = Union[int, float]
EPOCH_MS = 1_760_000_000_000
PER_MINUTE = 32
PERIOD = 12 * PER_MINUTE  # activations between two checkpoints unless a section says otherwise


class Job(NamedTuple):
    """A job of the schedule and the shape of what it leaves behind."""

    id: int
    name: str
    every: int
    values: int
    counters: bool
    state: int  # counters to remember until its next run


JOBS = (
    Job(1, "srt.packet_loss", 5, 8, False, 8),
    Job(2, "cpu.usage", 10, 9, False, 72),
    Job(3, "network.traffic", 10, 32, True, 32),
    Job(4, "cpu.temperature", 30, 8, False, 0),
    Job(5, "memory.usage", 30, 5, True, 0),
    Job(6, "disk.io", 30, 16, True, 16),
    Job(7, "self", 30, 4, False, 0),
)
READ_JOB, READ_VALUE = JOBS[1], 3


class Run(NamedTuple):
    """One activation: when it was, what it found, and the text it leaves for its next run."""

    job: Job
    ts: int
    boottime: int
    duration: int
    values: tuple[Number, ...]
    state: str | None


def load(hours: float, start_hour: float = 0) -> Iterator[Run]:
    """The schedule of so many hours, the same at every call."""
    rng = random.Random(4711)
    totals = {job.id: [rng.randrange(10**6, 10**9) for _ in range(80)] for job in JOBS}
    first = int(start_hour * 3600)
    for second in range(first, first + int(hours * 3600)):
        due = [job for job in JOBS if (second + job.id) % job.every == 0]
        for position, job in enumerate(due):
            yield activation(rng, job, second * 1000 + 7 * position + rng.randrange(5), totals[job.id])


def activation(rng: random.Random, job: Job, offset: int, totals: list[int]) -> Run:
    for index in range(max(job.state, job.values if job.counters else 0)):
        totals[index] += rng.randrange(50_000)
    values: tuple[Number, ...] = tuple(totals[: job.values])
    if not job.counters:
        values = tuple(round(rng.uniform(0, 100), 2) for _ in range(job.values))
    state = ",".join(map(str, totals[: job.state])) if job.state else None
    return Run(job, EPOCH_MS + offset, 60_000 + offset, rng.randrange(900, 9000), values, state)
