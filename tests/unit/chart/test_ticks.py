"""Axes have round numbers and round times, whatever they are asked to show."""

from __future__ import annotations

from typing import Callable

import pytest

from belabox_metrics.chart import ticks

NOON = 1_700_049_600_000  # 2023-11-15 12:00:00 UTC


@pytest.fixture(autouse=True)
def berlin(zone: Callable[[str], None]) -> None:
    """An hour ahead of UTC in winter."""
    zone("CET-1CEST,M3.5.0,M10.5.0/3")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 5800, [0, 2000, 4000, 6000]),
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (41.2, 47.9, [40, 42, 44, 46, 48]),
        (-112, -64, [-120, -100, -80, -60]),
        (0, 0, [0, 0.25, 0.5, 0.75, 1]),
        (100, 100, [100, 125, 150, 175, 200]),
        (0, 1e15, [0, 2.5e14, 5e14, 7.5e14, 1e15]),
        (0, 5e-324, [0, 0.25, 0.5, 0.75, 1]),
        (-1e300, 1e300, [-1e300, -5e299, 0, 5e299, 1e300]),
    ],
)
def test_levels_are_round_and_hold_all_values(low: float, high: float, expected: list[float]) -> None:
    assert ticks.values(low, high) == expected


@pytest.mark.parametrize(
    ("length_s", "expected"),
    [
        (4, ["13:00:00", "13:00:01", "13:00:02", "13:00:03", "13:00:04"]),
        (110, ["13:00:00", "13:00:30", "13:01:00", "13:01:30"]),
        (3600, ["13:00", "13:15", "13:30", "13:45", "14:00"]),
        (12 * 3600, ["15:00", "18:00", "21:00", "00:00"]),
        (30 * 86_400, ["19 Nov", "25 Nov", "01 Dec", "07 Dec", "13 Dec"]),
    ],
)
def test_times_are_round_on_the_local_clock(length_s: int, expected: list[str]) -> None:
    assert [label for _, label in ticks.times(NOON, NOON + length_s * 1000)] == expected
