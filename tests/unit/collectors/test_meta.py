"""`meta`: what the jobs did, from the runs they left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.collectors import meta
from belabox_metrics.errors import NoData
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.database import Store
from belabox_metrics.world import Reading, World

START_MS = 1_700_000_000_000


class Jobs:
    def __init__(self, path: str) -> None:
        self.store = Store(path)
        self.now_ms = START_MS

    def run(self, job: str, ms: float, outcome: int = runs.DONE, numbers: int = 0) -> None:
        samples = [Sample(f"n{at}", at) for at in range(numbers)]
        moment = Moment(self.now_ms, self.now_ms - START_MS, "boot-a", True)
        with self.store.writing() as connection:
            run = runs.Run(job, moment, metric="m", samples=samples, outcome=outcome, duration_us=int(ms * 1000))
            runs.add(connection, run)
        self.now_ms += 1000

    def read(self, state: str = "") -> Reading:
        return meta.collect(World(state=state, connection=self.store.connection()))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(str(tmp_path / "metrics.db"))
    yield jobs
    jobs.store.close()


def values(reading: Reading, name: str = "") -> dict[str, object]:
    """By name, or those of one name by quantile."""
    if name:
        return {sample.tags["quantile"]: sample.value for sample in reading.samples if sample.name == name}
    return {sample.name: sample.value for sample in reading.samples if not sample.tags}


COLLECTION, UPLOAD = "collector.collection_duration_seconds", "uploader.upload_duration_seconds"


def test_totals_are_of_all_runs(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.run("collect", 1, numbers=5)
    jobs.run("collect", 1, runs.FAILED)
    jobs.run("collect", 1, runs.NO_DATA)
    jobs.run("upload", 1, runs.FAILED)
    jobs.run("event", 1, numbers=2)
    with jobs.store.writing() as connection:
        queue.count(connection, 2, sent=10, rejected=1)
    found = values(jobs.read())
    sizes = {name: found.pop(name) for name in ("storage.database_size_bytes", "storage.wal_size_bytes")}
    assert found == {
        "collector.metrics_collected_total": 15,
        "collector.metrics_failed_total": 1,
        "uploader.metrics_uploaded_total": 10,
        "uploader.metrics_rejected_total": 1,
        "uploader.upload_failures_total": 1,
        "storage.metrics_pending_upload": 6,
    }
    path = Path(jobs.store.path)
    assert sizes["storage.database_size_bytes"] == path.stat().st_size
    assert sizes["storage.wal_size_bytes"] == path.with_name("metrics.db-wal").stat().st_size > 0


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (list(range(100, 0, -1)), (0.05, 0.095, 0.099)),
        ([7], (0.007, 0.007, 0.007)),
        ([1, 2], (0.001, 0.002, 0.002)),
        ([1, 2, 3], (0.002, 0.003, 0.003)),
        ([], ()),
    ],
    ids=len,
)
def test_quantiles_are_values_that_were_measured(
    jobs: Jobs, milliseconds: list[int], expected: tuple[float, ...]
) -> None:
    for ms in milliseconds:
        jobs.run("collect", ms)
    found = jobs.read()
    assert values(found, COLLECTION) == dict(zip(("0.5", "0.95", "0.99"), expected))
    assert values(found, UPLOAD) == {}


def test_durations_are_those_since_the_run_before(jobs: Jobs) -> None:
    jobs.run("collect", 500)
    jobs.run("upload", 500)
    first = jobs.read()
    assert set(values(first, COLLECTION).values()) == {0.5}
    assert values(jobs.read(first.state), COLLECTION) == {}
    jobs.run("upload", 900, runs.NO_DATA)
    jobs.run("upload", 20)
    assert values(jobs.read(first.state), UPLOAD) == {"0.5": 0.02, "0.95": 0.02, "0.99": 0.02}
    assert values(jobs.read(first.state), COLLECTION) == {}


def test_they_are_of_an_hour_at_most(jobs: Jobs) -> None:
    jobs.run("collect", 500)
    first = jobs.read()
    jobs.run("collect", 400)
    jobs.now_ms += meta.LONGEST_MS
    jobs.run("collect", 10)
    for state in ("", "nonsense", first.state):
        assert values(jobs.read(state), COLLECTION)["0.99"] == 0.01


def test_without_a_database_there_is_nothing_to_tell() -> None:
    with pytest.raises(NoData):
        meta.collect(World())
