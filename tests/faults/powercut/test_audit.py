"""The reckoning of a power cut would see what it is there to see."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.link.account import Post, sample_of

from belabox_metrics import journal
from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.database import Store
from belabox_metrics.store.runs import FAILED

from . import audit, state
from .state import State

# Whole seconds, so that nobody's rounding matters.
START = int(time.time()) - 1000
METRICS = ("cpu.usage", "memory.usage")


def box(folder: Path, seconds: int, sent: int = 0) -> State:
    """A run a second, the metrics by turns, three numbers each; of the first `sent` the queue knows that they are."""
    (folder / "belabox-metrics").mkdir(parents=True)
    store = Store(str(folder / "belabox-metrics/metrics.db"))
    with store.writing() as connection:
        connection.execute("INSERT INTO settings VALUES ('device', 'id', 0, 'box')")
        for second in range(seconds):
            moment = Moment((START + second) * 1000, second * 1000, "boot", True)
            samples = [Sample("test.value", second + number, {"of": str(number)}) for number in range(3)]
            runs.add(connection, runs.Run("collect", moment, metric=METRICS[second % 2], samples=samples))
        if sent:
            queue.advance(connection, 2, (START + sent - 1) * 1000)
    store.close()
    return read(folder)


def read(folder: Path) -> State:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(folder / "belabox-metrics", "belabox-metrics")
    return state.of_archive(archive.getvalue())


def said(seconds: range) -> list[dict[str, Any]]:
    """The records of these runs: each took 20 ms."""
    return [
        {
            "MESSAGE_ID": journal.COLLECTED,
            "__REALTIME_TIMESTAMP": str(int((START + second + 0.02) * 1e6)),
            "BELABOX_METRIC": METRICS[second % 2],
            "BELABOX_DURATION_MS": "20.0",
            "BELABOX_COUNT": "3",
        }
        for second in seconds
    ]


def posts(of: State, at: float) -> list[Post]:
    """All of it in one request, accepted then."""
    return [Post(at, at, "batch-0-0-9", False, frozenset(sample_of(row) for row in of.samples))]


def test_a_job_that_took_half_a_minute_is_found_by_what_it_says_to_have_taken(tmp_path: Path) -> None:
    before, after = box(tmp_path / "before", 0), box(tmp_path / "after", 1)
    (record,) = said(range(1))
    record["__REALTIME_TIMESTAMP"] = str((START + 27) * 1_000_000)
    assert audit.loss(before, after, [record], [], START + 30).lost == 1
    record["BELABOX_DURATION_MS"] = "30359.4"
    assert audit.loss(before, after, [record], [], START + 30).lost == 0


def test_runs_from_the_end_are_lost_and_how_old_they_were_is_told(tmp_path: Path) -> None:
    before, after = box(tmp_path / "before", 10), box(tmp_path / "after", 40)
    found = audit.loss(before, after, said(range(10, 60)), [], START + 60)
    assert (found.said, found.lost, found.faults) == (50, 20, [])
    assert found.window_s == pytest.approx(19.98, abs=0.01)


def test_a_run_that_failed_is_not_what_was_told_to_be_stored(tmp_path: Path) -> None:
    """Its own record is of another kind, and it has no numbers."""
    before, _ = box(tmp_path / "before", 10), box(tmp_path / "after", 40)
    with closing(sqlite3.connect(tmp_path / "after/belabox-metrics/metrics.db")) as connection:
        failed = (FAILED, (START + 20) * 1000)
        connection.execute("UPDATE runs SET outcome = ?, shape = NULL, packed = NULL WHERE id = ?", failed)
        connection.commit()
    told = [record for at, record in zip(range(10, 40), said(range(10, 40))) if at != 20]
    found = audit.loss(before, read(tmp_path / "after"), told, [], START + 60)
    assert (found.said, found.lost, found.faults) == (29, 0, [])


def test_whoever_is_slow_to_tell_is_not_taken_for_lost(tmp_path: Path) -> None:
    """Between storing and telling, the share of the processor was used up."""
    before, after = box(tmp_path / "before", 10), box(tmp_path / "after", 40)
    records = said(range(10, 42))
    for late in (38, 39):
        told = records[late - 10]
        told["__REALTIME_TIMESTAMP"] = str(int(told["__REALTIME_TIMESTAMP"]) + 9_000_000)
    found = audit.loss(before, after, records, [], START + 60)
    assert (found.said, found.lost, found.faults) == (32, 2, [])
    assert found.window_s == pytest.approx(19.98, abs=0.01)


def test_what_was_older_than_a_power_cut_may_take_is_a_fault(tmp_path: Path) -> None:
    before, after = box(tmp_path / "before", 1), box(tmp_path / "after", 40)
    found = audit.loss(before, after, said(range(1, 100)), [], START + 100)
    assert found.faults == ["the cut took what was 60 s old"]


def test_what_the_server_has_and_the_queue_does_not_know_is_told(tmp_path: Path) -> None:
    before, after = box(tmp_path / "before", 1), box(tmp_path / "after", 40, sent=10)
    found = audit.loss(before, after, [], posts(after, START + 40), START + 45)
    assert (found.unsent, found.unsent_s, found.faults) == (90, 5.0, [])


def test_what_was_sent_again_and_is_forgotten_again_counts_from_then(tmp_path: Path) -> None:
    """It was accepted before the power came, too."""
    before, after = box(tmp_path / "before", 10), box(tmp_path / "after", 40)
    accepted = [*posts(before, START - 100), *posts(before, START + 30)]
    found = audit.loss(before, after, [], accepted, START + 45, START)
    assert (found.unsent, found.unsent_s, found.faults) == (30, 15.0, [])
    (fault,) = audit.loss(before, after, [], accepted, START + 90, START).faults
    assert fault == "the cut took what was 60 s old"


def a_run_in_the_middle_less(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM runs WHERE id = ?", ((START + 20) * 1000,))


def a_run_of_before_that_differs(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE runs SET packed = '[1,2,4]' WHERE id = ?", ((START + 5) * 1000,))


def half_a_run(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE runs SET packed = '[1,2]' WHERE id = ?", ((START + 20) * 1000,))


def the_last_run_of_a_job_less(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM runs WHERE id = (SELECT max(id) FROM runs)")


def a_queue_that_is_ahead(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE positions SET run = (SELECT max(id) FROM runs)")


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (a_run_in_the_middle_less, "stored before others"),
        (a_run_of_before_that_differs, "gone or differ"),
        (half_a_run, "for 3 series"),
        (the_last_run_of_a_job_less, "its last run is"),
        (a_queue_that_is_ahead, "has not accepted"),
    ],
)
def test_it_sees(tmp_path: Path, harm: Callable[[sqlite3.Connection], None], what: str) -> None:
    before = box(tmp_path / "before", 10)
    whole = box(tmp_path / "after", 40)
    accepted = [*posts(before, START + 10)]
    assert audit.loss(before, whole, said(range(10, 40)), accepted, START + 41).faults == []
    with closing(sqlite3.connect(tmp_path / "after/belabox-metrics/metrics.db")) as connection:
        harm(connection)
        connection.commit()
    faults = audit.loss(before, read(tmp_path / "after"), said(range(10, 40)), accepted, START + 41).faults
    assert any(what in fault for fault in faults), faults
