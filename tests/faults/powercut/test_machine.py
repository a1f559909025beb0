"""The short form of machines that lose their power: one, with the shipped schedule, cut off once."""

from __future__ import annotations

import time

import pytest

from ..vm.machine import engine
from .lab import measure

# By this chance the cut is one in a checkpoint, eight seconds after the first run was stored.
SEED = 0


def test_a_machine_that_loses_its_power_in_a_checkpoint_goes_on_where_it_was() -> None:
    try:
        engine()
    except RuntimeError as missing:
        pytest.skip(str(missing))
    found = measure(cuts=1, machines=1, until=time.time() + 600, seed=SEED, up_s=10)
    summary = found["summary"]
    assert (list(summary["kinds"]), found["faults"]) == (["checkpoint"], [])
    stored, exported = summary["samples on the box, on the server"]
    assert 0 < stored <= exported
