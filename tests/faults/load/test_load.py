"""The short form of `tests/faults/run load`: what holds on any machine. Times are for the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..quiet import quiet
from .flood import Flood
from .trials import CROWD, trials


def test_nothing_is_lost_whatever_the_load() -> None:
    rows = list(trials(long=False))
    assert [(row.fault, row.lost, row.repeated, row.wrong) for row in rows if not row.is_as_promised] == []
    assert rows[0].tried == 450
    assert rows[1].tried == CROWD


@pytest.fixture
def flood(tmp_path: Path) -> Flood:
    return Flood(tmp_path)


def test_the_reckoning_sees_a_run_that_was_not_sent(flood: Flood) -> None:
    with quiet():
        flood.live(0.01)
    flood._runs += 1
    assert flood.reckoned().lost == 1
    flood.server.close()
