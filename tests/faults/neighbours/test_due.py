"""The judge of runs sees a single one that is not there."""

from __future__ import annotations

import pytest

from .due import left_out, lost

# Due at .75 of each second, from 10.75 on; a start takes a tenth.
BEGIN_MS, PHASE_MS, EVERY_MS = 10_000, 750, 1000
ALL = [10_850, 11_850, 12_850, 13_850, 14_850]


@pytest.mark.parametrize(
    ("starts_ms", "missing"),
    [
        (ALL, 0),
        ([*ALL[:2], *ALL[3:]], 1),
        ([*ALL[:1], *ALL[3:]], 2),
        (ALL[1:], 1),
        ([10_850, 12_740, 12_850, 13_850, 14_850], 0),
        ([10_850, 12_760, 12_850, 13_850, 14_850], 0),
        ([10_850, 12_800, 13_850, 14_850], 1),
        ([10_850, 11_850, 11_900, 13_850, 14_850], 1),
    ],
    ids=[
        "all",
        "one is not",
        "two are not",
        "the first is not",
        "one is late",
        "one is so late that the next is due",
        "one is so late that it is the next",
        "one more, but before",
    ],
)
def test_who_is_left_out_is_counted(starts_ms: list[int], missing: int) -> None:
    assert left_out(BEGIN_MS, starts_ms, PHASE_MS, EVERY_MS) == (5, missing)


def test_who_was_on_the_way_at_the_beginning_is_nobodys() -> None:
    assert left_out(BEGIN_MS, [10_020, *ALL], PHASE_MS, EVERY_MS) == (5, 0)


def test_without_any_run_nothing_is_known() -> None:
    assert left_out(BEGIN_MS, [], PHASE_MS, EVERY_MS) == (0, 0)


def test_a_run_that_was_told_and_is_not_there_is_counted() -> None:
    told = [start + 30 for start in ALL]
    assert lost(ALL, told) == 0
    assert lost(ALL, told[1:3]) == 0
    assert lost([*ALL[:2], *ALL[3:]], told) == 1
    assert lost([], told) == 5
