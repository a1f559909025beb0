"""What is stored is what was read: once, in order, and nothing that no number is."""

from __future__ import annotations

import json

import pytest

from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs

from .conftest import Box

COLUMNS = (
    "id timestamp_ms metric_name metric_value value_text value_type tags "
    "session_id device_id uploaded priority dedup_key"
)


def test_the_view_has_the_documented_columns_and_a_row_for_each_sample(box: Box) -> None:
    box.run(Sample("cpu.usage_percent", 12.5, {"core": "cpu0"}), Sample("cpu.usage_percent", 7, {"core": "all"}))
    found = box.store.connection().execute("SELECT * FROM metrics ORDER BY id")
    assert " ".join(column[0] for column in found.description) == COLUMNS
    rows = [dict(zip(COLUMNS.split(), row)) for row in found]
    assert [(row["metric_name"], row["metric_value"], row["tags"]) for row in rows] == [
        ("cpu.usage_percent", 12.5, '{"core":"cpu0"}'),
        ("cpu.usage_percent", 7, '{"core":"all"}'),
    ]
    assert {row["timestamp_ms"] for row in rows} == {1_700_000_000_000}
    assert len({row["id"] for row in rows}) == len({row["dedup_key"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("value", "stored", "text", "kind"),
    [
        (1, 1, None, 0),
        (-0.5, -0.5, None, 0),
        (2**63 - 1, 2**63 - 1, None, 0),
        (2**64 - 1, float(2**64 - 1), None, 0),
        (1e300, 1e300, None, 0),
        (5e-324, 5e-324, None, 0),
        (True, 1, None, 0),
        ('5G "NR"\\\n\x00é', None, '5G "NR"\\\n\x00é', 1),
        ("", None, "", 1),
    ],
    ids=repr,
)
def test_a_value_comes_back_as_it_went_in(
    box: Box, value: float | str, stored: float | None, text: str | None, kind: int
) -> None:
    box.run(Sample("some.value", value))
    rows = box.sql("SELECT metric_value, value_text, value_type FROM metrics")
    packed = json.loads(str(box.sql("SELECT packed FROM runs")[0][0]))
    assert packed == [value]
    if text is None or "\x00" not in text:
        assert rows == [(stored, text, kind)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_a_number_that_is_not_finite_is_refused_and_the_rest_is_kept(box: Box, value: float) -> None:
    run = box.run(Sample("good.one", 1), Sample("bad.one", value), Sample("good.two", 2))
    assert run.refused == [f"bad.one is {value}, not a finite number"]
    assert box.sql("SELECT metric_name, metric_value FROM metrics ORDER BY id") == [("good.one", 1), ("good.two", 2)]


def test_an_integer_that_no_double_holds_is_refused_too(box: Box) -> None:
    run = box.run(Sample("good.one", 2**70), Sample("bad.one", 10**400))
    assert run.refused == ["bad.one is larger than any number may be"]
    assert box.sql("SELECT metric_name FROM metrics") == [("good.one",)]


def test_a_second_value_for_one_series_is_refused(box: Box) -> None:
    run = box.run(Sample("x", 1, {"a": "1", "b": "2"}), Sample("x", 9, {"b": "2", "a": "1"}))
    assert run.refused == ['x{"a":"1","b":"2"} has a second value']
    assert box.sql("SELECT metric_value, tags FROM metrics") == [(1, '{"a":"1","b":"2"}')]


def test_a_series_without_a_value_this_time_keeps_its_place(box: Box) -> None:
    box.run(Sample("a", 1), Sample("b", None), Sample("c", 3))
    box.step(1000)
    box.run(Sample("a", 4), Sample("b", 5), Sample("c", 6))
    assert box.sql("SELECT metric_name, metric_value FROM metrics ORDER BY id") == [
        ("a", 1),
        ("c", 3),
        ("a", 4),
        ("b", 5),
        ("c", 6),
    ]
    assert box.sql("SELECT count(*) FROM shapes") == [(1,)]


def test_runs_stay_in_the_order_of_writing_when_the_clock_steps_back(box: Box) -> None:
    box.run(Sample("n", 1))
    box.step(-3_600_000, boottime_ms=10_000)
    box.run(Sample("n", 2))
    box.step(10_000)
    box.run(Sample("n", 3))
    rows = box.sql("SELECT id, id - lead_ms, packed FROM runs ORDER BY id")
    assert [row[2] for row in rows] == ["[1]", "[2]", "[3]"]
    assert [row[1] for row in rows] == [1_700_000_000_000, 1_699_996_400_000, 1_699_996_410_000]
    assert len({row[0] for row in rows}) == 3


def test_two_runs_in_one_millisecond_are_two_runs(box: Box) -> None:
    box.run(Sample("n", 1))
    box.run(Sample("n", 2), metric="memory.usage")
    assert box.sql("SELECT count(DISTINCT id) FROM runs") == [(2,)]


def test_state_lasts_until_the_next_run_of_the_same_boot(box: Box) -> None:
    box.run(metric="cpu.usage", state="cpu0 1 2 3")
    box.run(metric="disk.io", state="other")
    box.step(10_000, boottime_ms=9_000)
    connection = box.store.connection()
    assert runs.remembered(connection, "collect", "cpu.usage", box.moment) == ("cpu0 1 2 3", 9_000)
    box.run(metric="cpu.usage", outcome=runs.FAILED, error="no such file")
    assert runs.remembered(connection, "collect", "cpu.usage", box.moment) == ("cpu0 1 2 3", 9_000)
    assert runs.remembered(connection, "collect", "memory.usage", box.moment) == ("", None)
    box.reboot("boot-b")
    assert runs.remembered(connection, "collect", "cpu.usage", box.moment) == ("", None)


def test_a_job_knows_its_failures(box: Box) -> None:
    box.run(Sample("n", 1))
    for _ in range(3):
        box.step(1000)
        box.run(outcome=runs.FAILED, error="e" * 2000)
    row = box.sql("SELECT failures, failures_total, runs_total, length(last_error), last_outcome FROM jobs")
    assert row == [(3, 3, 4, runs.ERROR_LIMIT, runs.FAILED)]
    assert box.sql("SELECT done_timestamp_ms FROM jobs") == [(1_700_000_000_000,)]
    box.run(Sample("n", 2))
    assert box.sql("SELECT failures, failures_total, last_error FROM jobs") == [(0, 3, None)]


def test_a_session_marks_the_runs_of_its_time(box: Box) -> None:
    box.run(Sample("n", 1))
    with box.store.writing() as connection:
        connection.execute("INSERT INTO sessions (id, start_time, status) VALUES ('stream-1', 0, 'active')")
    box.step(1000)
    box.run(Sample("n", 2))
    assert box.sql("SELECT session_id FROM metrics ORDER BY id") == [(None,), ("stream-1",)]


def test_pending_counts_numbers_and_the_position_takes_them_off(box: Box) -> None:
    box.run(Sample("n", 1), Sample("text", "x"), Sample("none", None), priority=1)
    box.step(1000)
    box.run(Sample("n", 2), Sample("m", 3), priority=2)
    connection = box.store.connection()
    assert queue.pending_count(connection) == 3
    assert [run.numbers for run in queue.pending(connection, 1, 100)] == [[(0, 1)]]
    (second,) = queue.pending(connection, 2, 100)
    with box.store.writing() as connection:
        queue.advance(connection, 2, second.id)
        queue.count(connection, 2, sent=2)
    assert queue.pending_count(connection) == 1
    assert queue.pending(connection, 2, 100) == []
    assert box.sql("SELECT metric_name, uploaded FROM metrics ORDER BY id") == [
        ("n", 0),
        ("text", 0),
        ("n", 1),
        ("m", 1),
    ]


def test_a_batch_is_whole_runs_and_at_least_one(box: Box) -> None:
    for number in range(5):
        box.run(*[Sample(f"s{at}", number) for at in range(4)])
        box.step(1000)
    connection = box.store.connection()
    assert len(queue.pending(connection, 2, 9)) == 2
    assert len(queue.pending(connection, 2, 1)) == 1
    assert len(queue.pending(connection, 2, 100)) == 5
