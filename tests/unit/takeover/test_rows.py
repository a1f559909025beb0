"""Every row of a database of the Go system arrives, once, as it was."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter

import pytest

from belabox_metrics.errors import StoreProblem
from belabox_metrics.store import backlog, queue
from belabox_metrics.store.database import Store

from .conftest import ROWS, Box, of_go, rows

V1, V2 = "go-v1.sql", "go-v2.sql"


@pytest.mark.parametrize("script", [V1, V2])
def test_each_row_arrives_with_all_that_it_said(box: Box, script: str) -> None:
    before = of_go(script)
    state = box.go(script).take_over()
    assert (state.done, state.left) == (True, 0)
    connection = box.store.connection()
    found = rows(connection, f"SELECT {ROWS}, uploaded FROM metrics")
    # Milestone 1 had nothing against the same row twice. A text is never sent: the view says so of ours and of theirs.
    once = {(*row[:-1], 0 if row[4] == 1 else row[-1]) for row in before}
    assert found == Counter(once)
    assert len(once) in (28, 88)


@pytest.mark.parametrize(("script", "pending"), [(V1, 28), (V2, 43)])
def test_counts_are_those_of_the_rows(box: Box, script: str, pending: int) -> None:
    box.go(script).take_over()
    connection = box.store.connection()
    numbers = sum(count for row, count in of_go(script).items() if row[2] is not None)
    stored, sent, _ = queue.totals(connection)
    assert stored == numbers - (1 if script == V1 else 0)
    assert queue.pending_count(connection) == stored - sent == pending
    waiting = [
        value
        for _, priority, after, upto in backlog.spans(connection)
        for run in queue.waiting(connection, priority, after, upto, 10_000)
        for value in run.numbers
    ]
    assert len(waiting) == pending
    assert [queue.pending(connection, priority, 100) for priority in queue.PRIORITIES] == [[], [], [], []]


def test_what_was_sampled_at_once_is_one_run_below_all_that_is_collected(box: Box) -> None:
    assert box.go(V2).collect().returncode == 0
    box.take_over()
    assert box.sql("SELECT count(*) FROM runs WHERE packed IS NOT NULL AND job = 1") == [(48,)]
    ids = [row[0] for row in box.sql("SELECT id FROM runs WHERE shape IS NOT NULL ORDER BY id")]
    collected = box.sql("SELECT last_run FROM jobs WHERE metric = 'memory.usage'")[0][0]
    assert ids[-1] == collected
    # An id is never less than its time, by which all questions about the past begin.
    assert box.sql("SELECT count(*) FROM runs WHERE lead_ms < 0") == [(0,)]
    assert box.sql("PRAGMA integrity_check") == [("ok",)]


def test_a_stream_that_was_live_ended_with_the_go_program(box: Box) -> None:
    box.go(V2).take_over()
    found = box.sql("SELECT status, start_time, end_time, metadata FROM sessions ORDER BY start_time")
    assert found == [
        ("completed", 1760191210000, 1760191270000, '{"resolution": "1920x1080"}'),
        ("failed", 1760191290000, 1760191310034, None),
    ]


def test_such_a_stream_did_not_last_until_a_time_that_no_integer_holds(box: Box) -> None:
    # Of the live one, the first row.
    far = (
        "UPDATE metrics SET timestamp_ms = 1e300 WHERE id = (SELECT min(metrics.id) FROM metrics"
        " JOIN sessions ON sessions.id = session_id WHERE sessions.status = 'active')"
    )
    state = box.go(V2, far).take_over()
    assert (state.done, state.left) == (True, 1)
    found = box.sql("SELECT status, start_time, end_time FROM sessions ORDER BY start_time")
    assert found[1] == ("failed", 1760191290000, 1760191310034)


def test_a_session_that_only_its_rows_name_lasted_as_long_as_they(box: Box) -> None:
    box.go(V2, "DELETE FROM sessions").take_over()
    found = box.sql("SELECT status, start_time, end_time FROM sessions ORDER BY start_time")
    assert found == [("failed", 1760191210005, 1760191260061), ("failed", 1760191290005, 1760191310034)]


def insert(time: object, name: str, value: object, tags: str | None = None, device: str | None = "belabox-001") -> str:
    spelled = [
        "NULL"
        if word is None
        else json.dumps(word)
        if not isinstance(word, str)
        else "'" + word.replace("'", "''") + "'"
        for word in (time, name, value, tags, device)
    ]
    columns = "timestamp_ms, metric_name, metric_value, tags, device_id, dedup_key"
    return f"INSERT INTO metrics ({columns}) VALUES ({', '.join(spelled)}, random())"


@pytest.mark.parametrize(
    ("statement", "name", "value", "tags"),
    [
        (insert(1, "before.time", 1.5), "before.time", 1.5, None),
        (insert(-5, "before.1970", 1.5), "before.1970", 1.5, None),
        (
            insert(1760191200021, "of.another", 1.0, None, "belabox-002"),
            "of.another",
            1.0,
            {"device_id": "belabox-002"},
        ),
        (insert(1760191200021, "of.nobody", 1.0, None, None), "of.nobody", 1.0, None),
        (
            insert(1760191200021, "loose", 1.0, '{"b":1, "a":true,"c":null}'),
            "loose",
            1.0,
            {"a": "true", "b": "1", "c": ""},
        ),
        (insert(1760191200021, "no.json", 1.0, "core=0"), "no.json", 1.0, {"tags": "core=0"}),
        (insert(1760191200021, "empty", 1.0, "{}"), "empty", 1.0, None),
        (insert(1760191200021, 'n"asty\nname', 1.0, '{"a\\u0000":"\\ud800"}'), 'n"asty\nname', 1.0, {"a\0": "\\ud800"}),
        (insert(1760191200021, "exact", 0.1 + 0.2), "exact", 0.1 + 0.2, None),
        (insert(1760191200021, "great", 18446744073709551615.0), "great", 18446744073709551615.0, None),
        (
            insert(1760191200021, "cpu.usage_percent", 2.0, '{"core":"0"}', "x"),
            "cpu.usage_percent",
            2.0,
            {"core": "0", "device_id": "x"},
        ),
        ("UPDATE metrics SET priority = 17, uploaded = NULL WHERE id = 1", "cpu.usage_percent", 10.5, {"core": "0"}),
    ],
)
def test_odd_rows_arrive_too(box: Box, statement: str, name: str, value: object, tags: dict[str, str] | None) -> None:
    state = box.go(V2, statement).take_over()
    assert (state.done, state.left, box.kept()) == (True, 0, [])
    found = box.sql("SELECT metric_value, tags FROM metrics WHERE metric_name = ?", name)
    assert (value, tags) in [(row[0], json.loads(str(row[1])) if row[1] else None) for row in found]


@pytest.mark.parametrize(
    "statement",
    [
        insert("soon", "n", 1.0),
        insert(4_200_000_000_000_000, "n", 1.0),
        insert(1760191200021, "", 1.0),
        "INSERT INTO metrics (timestamp_ms, metric_name, dedup_key) VALUES (1760191200021, x'00ff', 1)",
    ],
)
def test_rows_that_no_database_of_ours_can_hold_stay_in_the_file(box: Box, statement: str) -> None:
    state = box.go(V2, statement).take_over()
    assert (state.done, state.left) == (True, 1)
    assert box.sql("SELECT count(*) FROM metrics") == [(88,)]
    assert box.kept() == ["metrics.db.go-v2"]


@pytest.mark.parametrize("factor", [(1, 1000), (1, 1), (1000, 1), (1_000_000, 1)])
def test_whatever_the_first_milestone_counted_time_in(box: Box, factor: tuple[int, int]) -> None:
    times, over = factor
    box.go(V1, f"UPDATE metrics SET timestamp = timestamp * {times} / {over}").take_over()
    found = box.sql("SELECT min(timestamp_ms) / 1000, max(timestamp_ms) / 1000 FROM metrics")
    assert found == [(1760191200, 1760191315)]
    assert box.sql("SELECT count(*) FROM metrics") == [(28,)]


def test_rows_from_a_clock_that_was_never_set_are_known_as_such(box: Box) -> None:
    box.go(V2, insert(60_000, "early", 1.0)).take_over()
    assert box.sql("SELECT count(*) FROM runs WHERE NOT synchronized AND packed IS NOT NULL") == [(1,)]


def test_sent_and_not_sent_in_turns_makes_few_spans(box: Box) -> None:
    box.go(V2, "UPDATE metrics SET uploaded = timestamp_ms / 10000 % 2, priority = 2").take_over()
    connection = box.store.connection()
    assert len(backlog.spans(connection)) <= 2
    numbers = box.sql("SELECT sum(uploaded), sum(NOT uploaded AND value_type = 0) FROM metrics")[0]
    go = sum(int(str(row[0])) // 10000 % 2 for row in of_go(V2) if row[2] is not None)
    assert numbers == (go, 84 - go)
    assert queue.pending_count(connection) == 84 - go


def test_the_database_of_the_product_requirements_is_found_where_they_had_it(box: Box) -> None:
    (box.folder / "active").mkdir()
    there = Box(box.folder / "active").go(V2)
    box.take_over()
    assert not there.path.exists()
    assert box.sql("SELECT count(*) FROM metrics") == [(88,)]


def test_what_reads_before_that_says_who_will_mend_it(box: Box) -> None:
    box.go(V1)
    with pytest.raises(StoreProblem, match=r"Go system.*next collection"):
        Store(str(box.path)).reading()


def test_a_database_of_another_program_is_left_as_it_is(box: Box) -> None:
    connection = sqlite3.connect(box.path)
    connection.execute("CREATE TABLE metrics (something)")
    connection.close()
    with pytest.raises(StoreProblem, match="another program"):
        box.store.connection()
    assert box.kept() == []
