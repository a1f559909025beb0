"""The short form of `tests/faults/run kernel`, and that its reckoning sees what is missing."""

from __future__ import annotations

import os

import pytest

from .books import Books, Span
from .guest import SCHEDULE, missing, switched_on
from .trials import short


@pytest.mark.machine
@pytest.mark.skipif(os.geteuid() != 0 or bool(missing()), reason="needs root, and User Mode Linux")
def test_a_journald_that_hangs_and_memory_that_runs_out_lose_no_sample() -> None:
    with switched_on(SCHEDULE) as guest:
        rows = list(short(guest))
    assert [(row.fault, row.lost, row.repeated, row.wrong) for row in rows if not row.is_as_promised] == []
    assert len(rows) == 2


def test_what_was_told_and_is_not_stored_is_missing() -> None:
    told = {"a": [10.6, 15.5, 20.7, 50.6], "b": [11.0]}
    assert Books(told, {"a": [10.0, 15.0, 20.0, 50.0], "b": [10.5]}).missing() == []
    # One in the middle, all of another metric; what is stored and was never told is none of it.
    found = Books(told, {"a": [10.0, 20.0, 30.0, 50.0]})
    assert found.missing() == [11.0, 15.5]
    assert found.missing(12.0) == [15.5]


def test_runs_that_were_due_and_runs_that_were_not() -> None:
    every = {"a": 5}
    regular = [float(at) for at in range(0, 60, 5)]
    span = Span(0, 60)
    assert (Books({}, {"a": regular}).left_out(every, span), Books({}, {"a": regular}).beyond(every, span)) == (0, 0)
    gap = [at for at in regular if not 20 <= at < 40]
    assert Books({}, {"a": gap}).left_out(every, span) == 4
    assert Books({}, {}).left_out(every, span) == 11
    assert Books({}, {"a": sorted([*regular, 1.0, 2.0, 3.0])}).beyond(every, span) == 1
