from __future__ import annotations

from itertools import combinations
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belabox_metrics.schedule.stagger import GRID, WINDOW, distance, offsets

SECONDS = [1, 2, 5, 7, 10, 15, 30, 45, 60, 90, 300, 3600, 86_400]
SCHEDULES = st.dictionaries(
    st.text("abc.", min_size=1, max_size=4), st.sampled_from(SECONDS).map(lambda s: s * 1000), max_size=12
)


def closest(found: dict[str, int], intervals: dict[str, int]) -> int:
    return min(
        (distance(found[a], found[b], gcd(intervals[a], intervals[b])) for a, b in combinations(found, 2)), default=0
    )


def test_the_shipped_schedule_starts_at_least_a_second_apart() -> None:
    intervals = {
        "cpu.temperature": 30_000,
        "cpu.usage": 10_000,
        "memory.usage": 30_000,
        "disk.io": 30_000,
        "network.traffic": 10_000,
        "srt.packet_loss": 5000,
    }
    assert closest(offsets(intervals), intervals) >= 1000


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ({}, {}),
        ({"a": 5000}, {"a": 0}),
        ({"a": 5000, "b": 5000}, {"a": 0, "b": 2500}),
        ({"b": 5000, "a": 10_000}, {"b": 0, "a": 2500}),
        ({"a": 1000, "b": 1000, "c": 1000}, {"a": 0, "b": 500, "c": 250}),
        ({"a": 3_600_000, "b": 3_600_000}, {"a": 0, "b": WINDOW - GRID}),
    ],
)
def test_places(intervals: dict[str, int], expected: dict[str, int]) -> None:
    assert offsets(intervals) == expected


def test_two_that_must_meet_do_not_spoil_the_others() -> None:
    found = offsets({"a": 5000, "b": 5001, "c": 10_000})
    assert distance(found["a"], found["c"], 5000) == 2500


@given(SCHEDULES)
def test_order_of_the_input_does_not_matter(intervals: dict[str, int]) -> None:
    assert offsets(intervals) == offsets(dict(reversed(intervals.items())))


@given(SCHEDULES)
def test_offsets_are_within_interval_and_window(intervals: dict[str, int]) -> None:
    for metric, offset in offsets(intervals).items():
        assert 0 <= offset < min(intervals[metric], WINDOW)
        assert offset % GRID == 0


@given(SCHEDULES, st.sampled_from(SECONDS))
def test_a_slower_metric_moves_no_faster_one(intervals: dict[str, int], seconds: int) -> None:
    before = offsets(intervals)
    after = offsets({**intervals, "new": seconds * 1000})
    for metric, offset in before.items():
        if intervals[metric] < seconds * 1000:
            assert after[metric] == offset


@given(SCHEDULES)
def test_all_are_kept_apart_as_far_as_there_is_room(intervals: dict[str, int]) -> None:
    if len(intervals) < 2:
        return
    # Around each that is placed a zone is taken; while all zones together don't fill the circle there is a gap.
    beat = min(gcd(a, b) for a, b in combinations(intervals.values(), 2))
    assert closest(offsets(intervals), intervals) >= min(beat, WINDOW) // (4 * len(intervals)) - GRID


def test_many_metrics_take_bounded_time() -> None:
    intervals = {f"m{n}": 604_800_000 for n in range(50)}
    assert len(offsets(intervals)) == 50
