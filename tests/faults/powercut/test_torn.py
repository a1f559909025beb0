"""The short form of `tests/faults/run powercut`, and that its reckoning would see what it is there to see."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from .torn import LATER, WAYS, Broken, breakages, collected, original, verdict
from .trials import torn


def test_whatever_a_power_cut_leaves_of_the_log_all_runs_before_the_tear_are_there() -> None:
    row = torn(seed=20261121, times=150)
    assert (row.tried, row.wrong) == (150, [])


def test_each_way_to_break_is_tried_and_most_take_something(tmp_path: Path) -> None:
    whole = original(tmp_path / "whole")
    found = list(breakages(whole, tmp_path / "broken", random.Random(7), 100))
    ways = Counter(broken.name for broken in found)
    assert set(ways) == set(WAYS)
    for name in ways:
        kept = [broken.kept for broken in found if broken.name == name]
        # In a checkpoint nothing may be lost: the log has it all.
        assert (min(kept) < max(kept)) == (name != "in a checkpoint")
    assert all(broken.kept >= len(whole.ends) - LATER for broken in found)


@pytest.mark.parametrize("wrong_by", [-1, 1])
def test_the_reckoning_sees_a_run_too_few_and_one_too_many(tmp_path: Path, wrong_by: int) -> None:
    whole = original(tmp_path / "whole")
    (broken,) = breakages(whole, tmp_path / "broken", random.Random(1), 1)
    wrong = Broken(broken.name, broken.path, broken.kept + wrong_by)
    assert collected(wrong) != []
    assert verdict(wrong) != []
