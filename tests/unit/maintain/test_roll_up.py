"""What runs become is what a reference makes of the same numbers, whatever the portions it is made in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import history, runs
from belabox_metrics.store.history import Point, increase

from .box import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, START_MS, Box

Value = Union[int, float, str, None]
NAMES = ("load.one", "load.text", "net.bytes_total", "net.errors_total")
# A metric whose interface comes and goes has its series in several shapes.
SHAPES = (NAMES, NAMES[:3], (NAMES[2], "more.value", NAMES[0]))


class Taken(NamedTuple):
    """One run: how long after the one before, by the box's clock; its series and their values."""

    after_ms: int
    shape: int
    values: tuple[Value, ...]


class Expected:
    """What numbers come to, one after the other, in fractions."""

    def __init__(self) -> None:
        self.numbers: list[Fraction] = []

    def rise(self) -> Fraction:
        pairs = zip(self.numbers, self.numbers[1:])
        return sum((later - before if later >= before else later for before, later in pairs), Fraction(0))


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
gauges = st.one_of(
    st.none(), st.integers(-(10**18), 10**18), st.floats(-1000, 1000).map(lambda value: round(value, 2)), finite
)
texts = st.one_of(st.none(), st.sampled_from(["", "a55", '["x", 1]', "12.5", "é\n"]))
counts = st.integers(0, 10**12)
values = st.tuples(gauges, texts, counts, st.one_of(st.none(), counts), gauges)
steps = st.one_of(st.integers(1, 90_000), st.sampled_from([0, 60_000, 300_000, -3_600_000, 40_000_000]))
taken = st.builds(Taken, steps, st.integers(0, len(SHAPES) - 1), values)


def samples_of(run: Taken) -> list[Sample]:
    by_name = dict(zip((*NAMES, "more.value"), run.values))
    return [Sample(name, by_name[name]) for name in SHAPES[run.shape]]


def store(box: Box, story: list[Taken]) -> None:
    with box.store.writing() as connection:
        for run in story:
            box.wait(run.after_ms, abs(run.after_ms))
            runs.add(connection, runs.Run("collect", box.moment, metric="n", samples=samples_of(run)))


def expected(story: list[Taken], step_ms: int) -> dict[tuple[str, int], Expected]:
    found: dict[tuple[str, int], Expected] = {}
    now = START_MS
    for run in story:
        now += run.after_ms
        for sample in samples_of(run):
            if isinstance(sample.value, (int, float)):
                exact = Fraction(sample.value) if isinstance(sample.value, int) else Fraction(repr(sample.value))
                found.setdefault((sample.name, now // step_ms * step_ms), Expected()).numbers.append(exact)
    return found


def points(box: Box, step_ms: int) -> dict[tuple[str, int], Point]:
    found = history.points(box.store.connection(), (*NAMES, "more.value"), 0, 2**60, step_ms)
    return {(name, point.timestamp_ms): point for (name, _), line in found.items() for point in line}


def check(box: Box, story: list[Taken], step_ms: int) -> None:
    wanted = expected(story, step_ms)
    got = points(box, step_ms)
    assert set(got) == set(wanted)
    for key, point in got.items():
        numbers = wanted[key].numbers
        assert point.count == len(numbers)
        said = [
            Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
            for value in (point.least, point.greatest, point.last)
        ]
        assert said == [min(numbers), max(numbers), numbers[-1]], key
        if not key[0].endswith("_total"):
            largest = max(abs(number) for number in numbers)
            # Below 1e-308 a float has fewer digits.
            assert abs(Fraction(point.total) - sum(numbers)) <= largest * Fraction(1, 10**12) + Fraction(5e-324)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(taken, min_size=1, max_size=40), rows=st.sampled_from([1, 3, 1000]))
def test_least_greatest_total_last_and_count_are_exact(story: list[Taken], rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder))
        store(box, story)
        newest = max(START_MS + sum(run.after_ms for run in story[: at + 1]) for at in range(len(story)))
        check(box, story, MINUTE_MS)
        box.moment = Moment(newest + 49 * HOUR_MS, box.moment.boottime_ms + 49 * HOUR_MS, "boot", True)
        box.maintain(rows)
        assert box.sql("SELECT count(*) FROM runs JOIN jobs ON jobs.id = runs.job WHERE jobs.job = 'collect'") == [(0,)]
        check(box, story, MINUTE_MS)
        box.wait(6 * DAY_MS)
        box.maintain(rows)
        assert box.sql("SELECT count(*) FROM minutes WHERE job = 1") == [(0,)]
        check(box, story, 5 * MINUTE_MS)
        box.store.close()


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    story=st.lists(st.tuples(st.integers(1, 90_000), st.integers(0, 2), counts), min_size=2, max_size=40),
    restarts=st.booleans(),
    rows=st.sampled_from([1, 3, 1000]),
)
def test_what_a_counter_counted_is_exact(story: list[tuple[int, int, int]], restarts: bool, rows: int) -> None:
    """In one shape it may begin anew at any time; where it is in several, it only rises."""
    total, taken_runs = 0, []
    for after_ms, shape, count in story:
        total = count if restarts else total + count
        taken_runs.append(Taken(after_ms, 0 if restarts else shape, (None, None, total, None, None)))
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder))
        store(box, taken_runs)
        everything = Expected()
        everything.numbers = [Fraction(str(run.values[2])) for run in taken_runs]
        for age_ms, step_ms in ((0, MINUTE_MS), (49 * HOUR_MS, MINUTE_MS), (6 * DAY_MS, 5 * MINUTE_MS)):
            box.wait(age_ms)
            box.maintain(rows)
            line = history.points(box.store.connection(), ("net.bytes_total",), 0, 2**60, step_ms)[NAMES[2], ""]
            assert increase(line) == everything.rise()
            wanted = expected(taken_runs, step_ms)
            assert [point.rise for point in line] == [wanted[NAMES[2], point.timestamp_ms].rise() for point in line]
        box.store.close()


def test_a_sum_is_decimal_and_not_almost(box: Box) -> None:
    for value in (0.1, 0.2, 0.3):
        box.run([Sample("load.one", value)])
        box.wait(SECOND_MS)
    box.wait(49 * HOUR_MS)
    box.maintain()
    assert box.sql("SELECT packed FROM minutes WHERE job = 1") == [("[[0.1,0.3,0.6,0.3,3]]",)]


@pytest.mark.parametrize(
    ("name", "values", "spelled"),
    [
        ("a.gauge", [5], "5"),
        ("a.gauge", [5, 5.0], "[5.0,2]"),
        ("a.gauge", [5, None, 7], "[5,7,12,7,2]"),
        ("a.gauge", [7, None], "[7,7,7,7,1,1000]"),
        ("a.gauge", [None, None], "null"),
        ("a.gauge", ["on", "off"], '"off"'),
        ("a.gauge", [1, "off", 2], "[1,2,3,2,2]"),
        ("a_total", [5], "5"),
        ("a_total", [5, 5, 9], "[9,4,3]"),
        ("a_total", [5, 9, 2, 3], "[3,7,4,2,9,5]"),
    ],
)
def test_how_a_row_spells_it(box: Box, name: str, values: list[Value], spelled: str) -> None:
    for value in values:
        box.run([Sample(name, value)])
        box.wait(SECOND_MS)
    box.wait(49 * HOUR_MS)
    box.maintain()
    assert box.sql("SELECT packed FROM minutes WHERE job = 1") == [(f"[{spelled}]",)]


def test_people_see_it_in_a_view(box: Box) -> None:
    for number in range(4):
        box.run([Sample("a.gauge", number, {"x": "y"}), Sample("a_total", 10 * number), Sample("t", f"v{number}")])
        box.wait(10 * SECOND_MS)
    box.wait(49 * HOUR_MS)
    box.maintain()
    columns = "timestamp_ms, step_ms, tags, value_min, value_max, value_mean, value_last, value_count"
    query = f"SELECT metric_name, {columns} FROM metrics_rolled_up WHERE metric_name NOT LIKE 'storage%'"
    assert box.sql(query) == [
        ("a.gauge", START_MS, MINUTE_MS, '{"x":"y"}', 0, 3, 1.5, 3, 4),
        ("a_total", START_MS, MINUTE_MS, None, 0, 30, None, 30, 4),
        ("t", START_MS, MINUTE_MS, None, None, None, None, "v3", None),
    ]


def test_runs_without_values_become_counts(box: Box) -> None:
    for outcome in (runs.FAILED, runs.NO_DATA, runs.NO_DATA, runs.DONE):
        box.run([Sample("n", 1)] if outcome == runs.DONE else [], outcome=outcome)
        box.wait(MINUTE_MS)
    box.wait(49 * HOUR_MS)
    box.maintain()
    hour = START_MS // HOUR_MS
    assert box.sql("SELECT id >> 32, done, no_data, failed FROM hours WHERE id & 4294967295 = 1") == [(hour, 1, 2, 1)]
    # What is known of a job is none of it.
    assert box.sql("SELECT runs_total, failures_total, samples_total FROM jobs WHERE id = 1") == [(4, 1, 1)]


def test_what_is_younger_stays_as_it_is(box: Box) -> None:
    for _ in range(10):
        box.sample()
        box.wait(HOUR_MS)
    box.wait(43 * HOUR_MS)
    box.maintain()
    assert box.sql("SELECT count(*) FROM runs WHERE job = 1") == [(5,)]
    assert box.sql("SELECT count(*) FROM minutes") == [(5,)]


def test_a_run_from_before_the_clock_was_set_is_where_it_belongs(box: Box) -> None:
    """As it was sent, and not between those of an hour ago."""
    box.moment = Moment(START_MS - 3 * HOUR_MS, 20 * SECOND_MS, "later", False)
    box.sample()
    box.moment = Moment(START_MS + 10 * SECOND_MS, 30 * SECOND_MS, "later", True)
    box.sample()
    box.maintain()
    box.wait(49 * HOUR_MS)
    box.maintain()
    assert box.sql("SELECT (id >> 32) * 60000, packed FROM minutes WHERE job = 1") == [(START_MS, "[[1.0,2]]")]


def test_late_runs_join_the_minute_that_they_are_of(box: Box) -> None:
    """A clock that was set back: the ids go on, the times do not."""
    box.sample(value=1)
    box.wait(49 * HOUR_MS)
    box.maintain()
    box.wait(-49 * HOUR_MS, 0)
    box.wait(SECOND_MS)
    box.sample(value=3)
    box.wait(49 * HOUR_MS)
    box.maintain()
    assert box.sql("SELECT packed FROM minutes WHERE job = 1") == [("[1]",)]
    box.wait(50 * HOUR_MS)
    box.maintain()
    assert box.sql("SELECT packed FROM minutes WHERE job = 1") == [("[[1,3,4,3,2]]",)]


def test_ids_that_are_ahead_of_the_clock_do_not_keep_runs_for_ever(box: Box) -> None:
    box.wait(1000 * DAY_MS, 0)
    box.sample()
    box.wait(-1000 * DAY_MS, SECOND_MS)
    box.sample()
    box.wait(49 * HOUR_MS)
    box.maintain()
    times = [row[0] for row in box.sql("SELECT id - lead_ms FROM runs WHERE job = 1")]
    assert times == [START_MS + 1000 * DAY_MS]


def far_away(box: Box) -> None:
    box.moment = Moment(START_MS + 4000 * DAY_MS, 5000, "next", False)


def a_bit(box: Box) -> None:
    box.moment = Moment(START_MS + DAY_MS, 5000, "next", False)


@pytest.mark.parametrize("wake", [far_away, a_bit])
def test_a_clock_that_nobody_has_set_makes_nothing_old(box: Box, wake: Callable[[Box], None]) -> None:
    box.sample()
    box.maintain()
    wake(box)
    box.sample()
    box.maintain()
    assert box.sql("SELECT count(*) FROM runs WHERE job = 1") == [(2,)]
    # It is believed as far as the box was up.
    box.wait(50 * HOUR_MS)
    box.maintain()
    assert box.sql("SELECT count(*) FROM runs WHERE job = 1 AND id < ?", START_MS + 1000) == [(0,)]


@pytest.mark.parametrize("packed", ["", "[1", "{}", "7", "[" * 5000, "[[1,2],3]", "[true]"])
def test_a_row_that_nobody_can_read_keeps_no_other_back(box: Box, packed: str) -> None:
    box.sample()
    first = box.sql("SELECT id FROM runs ORDER BY id LIMIT 1")[0][0]
    with box.store.writing() as connection:
        connection.execute("UPDATE runs SET packed = ? WHERE id = ?", (packed, first))
    box.wait(SECOND_MS)
    box.sample(value=2)
    box.wait(49 * HOUR_MS)
    box.maintain()
    (cell,) = json.loads(str(box.sql("SELECT packed FROM minutes WHERE job = 1")[0][0]), parse_float=Decimal)
    assert cell in (2, [1, 2, 3, 2, 2])
    box.wait(6 * DAY_MS)
    with box.store.writing() as connection:
        connection.execute("UPDATE minutes SET packed = ? WHERE job = 1", (packed,))
    box.maintain()
    history.points(box.store.connection(), ("n.value",), 0, 2**60)
    assert box.sql("SELECT count(*) FROM five_minutes WHERE job = 1") == [(1,)]
