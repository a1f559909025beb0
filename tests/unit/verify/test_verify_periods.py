"""Every run belongs to one period, whatever the clock of the box did; time is the time it is sent with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import boots, queue, runs
from belabox_metrics.store.database import Store
from belabox_metrics.upload.correction import Correction
from belabox_metrics.verify import periods
from belabox_metrics.verify.gaps import MOST_GAPS, Gaps
from belabox_metrics.verify.periods import HOUR_MS, MINUTE_MS, Stretch
from belabox_metrics.verify.standing import Standing, covers
from belabox_metrics.verify.stored import SentRun

START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
DAY_MS = 24 * HOUR_MS
NOW = Moment(START_MS + 30 * DAY_MS, 1, "now", True)


def collect(store: Store, moment: Moment, priority: int = 2, series: int = 1) -> None:
    samples = [Sample("a.value", 1, {"at": str(at)}) for at in range(series)]
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", moment, metric="m", samples=samples, priority=priority))


def found(store: Store, since_ms: int) -> list[periods.Period]:
    connection = store.connection()
    return periods.periods(connection, Correction(connection, NOW), since_ms, queue.frontier(connection))


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3 * HOUR_MS),  # time that passes
        st.sampled_from([0, 0, 0, 0, -40 * DAY_MS, -HOUR_MS, 90_000, 2 * DAY_MS]),  # by which the clock is wrong
        st.booleans(),  # vouched for
        st.sampled_from([False, False, False, True]),  # booted before
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, ago=st.integers(0, 200 * HOUR_MS))
def test_every_run_is_in_the_one_period_of_its_time(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, bool, bool]], ago: int
) -> None:
    store = Store(str(tmp_path_factory.mktemp("box") / "m.db"))
    right, boot, booted, synchronized = START_MS, 0, START_MS, False
    for passes, wrong, set_now, boots_anew in steps:
        right += passes
        if boots_anew:
            boot, booted, synchronized = boot + 1, right, False
        synchronized = synchronized or set_now  # until the next boot
        wall = right if synchronized else right + wrong
        collect(store, Moment(wall, right - booted, f"boot {boot}", synchronized))
    connection = store.connection()
    correction = Correction(connection, NOW)
    since = (right - ago) // MINUTE_MS * MINUTE_MS
    expected = {}
    for run in queue.waiting(connection, 2, 0, queue.END, 10**6):
        expected[run.id] = periods.right_ms(correction, run)
    # Before the last run that a good clock has put before `since` nothing is looked for.
    vouched = "SELECT max(id) FROM runs WHERE synchronized AND id - lead_ms < ?"
    first = connection.execute(vouched, (since,)).fetchone()[0] or 0
    expected = {run: at for run, at in expected.items() if at >= since and run > first}
    got: dict[int, int] = {}
    for period in found(store, since):
        assert period.begin_ms // HOUR_MS == (period.end_ms - 1) // HOUR_MS
        for stretch in period.stretches:
            for run in queue.waiting(connection, 2, stretch.first - 1, stretch.last, 10**6):
                assert run.id not in got
                got[run.id] = periods.right_ms(correction, run)
                assert period.begin_ms <= got[run.id] < period.end_ms
    assert got == expected
    store.close()


def test_a_boot_with_last_weeks_clock_counts_for_the_time_it_really_was(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "m.db"))
    collect(store, Moment(START_MS, 1, "one", True))
    right = START_MS + 7 * DAY_MS
    for number in range(3):
        collect(store, Moment(START_MS + 60_000 * number, 60_000 * number, "two", False))
    with store.writing() as connection:
        boots.fix(connection, Moment(0, 0, "two", True), right)
    (period,) = found(store, right - HOUR_MS)
    assert (period.begin_ms, period.samples) == (right, 3)
    store.close()


def test_a_run_of_long_ago_between_two_of_now_is_left_out(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "m.db"))
    collect(store, Moment(START_MS, 1, "one", True))
    collect(store, Moment(START_MS - 40 * DAY_MS, 1, "never right", False))
    collect(store, Moment(START_MS + 30_000, 1, "three", True))
    (period,) = found(store, START_MS)
    assert [(part.first, part.last) for part in period.stretches] == [(START_MS, START_MS), (START_MS + 30_000,) * 2]
    store.close()


def test_an_hour_of_very_many_samples_is_taken_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periods, "MOST_SAMPLES", 100)
    store = Store(str(tmp_path / "m.db"))
    for number in range(60):
        collect(store, Moment(START_MS + 60_000 * number, number, "one", True), series=10)
    parts = found(store, START_MS)
    assert [part.samples for part in parts] == [100] * 6
    assert [part.begin_ms for part in parts[1:]] == [part.end_ms for part in parts[:-1]]
    assert (parts[0].begin_ms, parts[-1].end_ms) == (START_MS, START_MS + HOUR_MS)
    store.close()


@pytest.mark.parametrize(
    ("waiting", "sent"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("INSERT INTO backlog VALUES (1, 2, 0, 2)", [3, 4, 5]),
        ("INSERT INTO backlog VALUES (1, 2, 1, 2), (2, 2, 3, 4)", [1, 3, 5]),
        ("INSERT INTO backlog VALUES (1, 2, 0, 4), (2, 2, 1, 2)", [5]),
        ("INSERT INTO backlog VALUES (1, 1, 0, 5)", [1, 2, 3, 4, 5]),
        # Two halves of a chunk.
        (
            "INSERT INTO flights VALUES (1,'b',0,2,NULL,3,5,0,0,1,0,'{}',''), (2,'b',0,2,NULL,3,5,0,1,2,0,'{}','')",
            [1, 2, 3],
        ),
        ("UPDATE positions SET run = 2 WHERE priority = 2", [1, 2]),
    ],
)
def test_what_waits_is_not_sent(tmp_path: Path, waiting: str, sent: list[int]) -> None:
    store = Store(str(tmp_path / "m.db"))
    with store.writing() as connection:
        connection.execute("UPDATE positions SET run = 5 WHERE priority = 2")
        if waiting:
            connection.execute(waiting)
    reader = store.reading()
    standing = Standing(reader)
    assert not reader.in_transaction
    assert [run for run in range(1, 8) if standing.is_sent(2, run)] == sent
    reader.close()
    store.close()


def test_a_span_holds_its_end_and_not_its_beginning() -> None:
    assert [run for run in range(9) if covers([(1, 3), (5, 6)], run)] == [2, 3, 6]


def sent_runs(first: int, pattern: str) -> list[SentRun]:
    """`x` lacks something, `.` does not, `w` waits."""
    made = []
    for at, letter in enumerate(pattern):
        run = SentRun(first + at, 2, letter != "w")
        run.lacks = letter in "xw"
        made.append(run)
    return made


def stretch(begin: int, end: int) -> Stretch:
    made = Stretch(begin, 0)
    made.end = end
    return made


def test_gaps_reach_from_one_stretch_into_the_next_only_without_a_run_between() -> None:
    gaps = Gaps()
    gaps.add(stretch(1, 4), 2, sent_runs(10, "x.xx"))
    gaps.add(stretch(5, 6), 2, sent_runs(20, "xw"))
    gaps.add(stretch(7, 7), 2, sent_runs(30, "x"))
    gaps.add(stretch(9, 9), 2, sent_runs(40, "x"))
    gaps.add(stretch(9, 9), 1, sent_runs(50, "x"))
    spans = [(gap.priority, gap.first, gap.last, gap.runs, gap.samples) for gap in gaps.found]
    assert spans == [(2, 10, 10, 1, 2), (2, 12, 20, 3, 6), (2, 30, 30, 1, 2), (2, 40, 40, 1, 2), (1, 50, 50, 1, 2)]


def test_gaps_are_bounded_and_say_so() -> None:
    gaps = Gaps()
    gaps.add(stretch(1, 1), 2, sent_runs(1, "x." * (MOST_GAPS + 1)))
    assert (len(gaps.found), gaps.more) == (MOST_GAPS, True)
    few = Gaps()
    few.add(stretch(1, 1), 2, sent_runs(1, "x.x"))
    assert (len(few.followed_by(few).found), few.followed_by(few).more) == (4, False)
    both = few.followed_by(gaps)
    assert (len(both.found), both.more, both.found[:2]) == (MOST_GAPS, True, few.found)
