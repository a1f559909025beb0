"""A counter is shown as what it grew by, and a gap is a gap."""

from __future__ import annotations

import pytest

from belabox_metrics.query.line import Line
from belabox_metrics.store.history import Point

UNTIL_MS = 10_000_000


def raw(*pairs: tuple[int, float]) -> list[Point]:
    return [Point(seconds * 1000, value, value, value, value) for seconds, value in pairs]


def rates(line: Line) -> list[tuple[int, float]]:
    return [(point.timestamp_ms // 1000, point.last) for point in line.points]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(0, 100), (10, 200), (20, 250), (30, 250)], [(10, 10), (20, 5), (30, 0)]),
        ([(0, 100), (10, 300), (20, 40), (30, 140)], [(10, 20), (20, 4), (30, 10)]),  # begun anew
        ([(0, 0), (10, 10), (20, 20), (100, 99_999), (110, 100_009)], [(10, 1), (20, 1), (110, 1)]),  # a gap
        ([(0, 1)], []),
        ([(0, 1), (0, 2), (10, 12)], [(10, 1)]),  # two at one time
        ([(0, -1.7e308), (10, 1.7e308), (20, 1.7e308)], [(20, 0)]),
    ],
)
def test_a_counter_is_its_rate(pairs: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    assert rates(Line("a_total", "", raw(*pairs), 0, UNTIL_MS)) == expected


def test_a_step_that_lacks_values_is_no_decline_of_a_counter() -> None:
    steps = [Point(at * 60_000, 0, 0, 0, at * 600, count=6) for at in range(10)]
    steps[4].count, steps[4].last = 2, 2_200
    steps.append(Point(600_000, 0, 0, 0, 6_001, count=1))
    line = Line("a_total", "", steps, 60_000, 610_000)
    assert {rate for _, rate in rates(line)} == {10}


@pytest.mark.parametrize(
    ("seconds", "gaps", "runs"),
    [
        ([0, 10, 20, 30], [], [4]),
        ([0, 10, 20, 44, 54], [], [5]),  # one that is missing is no gap
        ([0, 10, 20, 50, 60], [(20, 50)], [3, 2]),
        ([0, 10, 20, 60, 100, 110, 120, 130], [(20, 60), (60, 100)], [3, 1, 4]),
        ([0, 1000], [], [2]),
        ([0], [], [1]),
    ],
)
def test_where_values_are_missing_there_is_a_gap(
    seconds: list[int], gaps: list[tuple[int, int]], runs: list[int]
) -> None:
    line = Line("a", "", raw(*((at, 1) for at in seconds)), 0, seconds[-1] * 1000 + 1)
    assert [(start // 1000, end // 1000) for start, end in line.gaps] == gaps
    assert [len(run) for run in line.runs()] == runs
    assert line.ended_ms is None


def test_one_that_has_ended_has_ended() -> None:
    assert Line("a", "", raw((0, 1), (10, 1), (20, 1)), 0, 60_000).ended_ms == 20_000


def test_what_is_no_number_for_a_plot_is_left_out() -> None:
    line = Line("a", "", raw((0, 1), (10, float("inf")), (20, float("nan")), (30, 3)), 0, UNTIL_MS)
    assert (line.least, line.mean, line.greatest, line.count) == (1, 2, 3, 2)
    assert Line("a", "", raw((0, 1.7e308), (1, 1.7e308)), 0, UNTIL_MS).mean == 1.7e308
