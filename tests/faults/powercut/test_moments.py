"""When the power goes, as a machine and its disk go on."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from . import moments
from .moments import KINDS, kind_of, wait_booting


@pytest.mark.parametrize(
    ("has_told", "has_power", "is_cut"), [(True, True, False), (False, False, True), (True, False, True)]
)
def test_a_machine_that_has_told_what_was_left_is_not_cut_off_as_one_that_boots(
    monkeypatch: pytest.MonkeyPatch, has_told: bool, has_power: bool, is_cut: bool
) -> None:
    """It waits for one or the other: that it told, or that the disk was written to so often."""
    monkeypatch.setattr(moments, "REPLAYING", 1.0)
    monkeypatch.setattr(moments, "pace", lambda: ["slow"])
    asked: list[int | None] = []
    machine: Any = SimpleNamespace(has_told=has_told, has_power=has_power, unplug_after=asked.append)
    assert wait_booting(machine, machine, random.Random(1)) is is_cut
    # Later it must not go by itself.
    assert (len(asked), asked[-1]) == (2, None)


def test_it_may_come_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "REPLAYING", 0.0)
    monkeypatch.setattr(moments, "BOOTING_S", {"slow": 0.1})
    monkeypatch.setattr(moments, "pace", lambda: ["slow"])
    quiet: Any = SimpleNamespace(has_power=True, has_told=False, unplug_after=lambda blocks: None)
    assert wait_booting(quiet, quiet, random.Random(1))


def test_each_kind_comes() -> None:
    chance = random.Random(1)
    assert {kind_of(chance) for _ in range(100)} == set(KINDS)
