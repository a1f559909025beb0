"""The short form of `tests/faults/run kernel`, and that its reckoning sees what is missing."""

from __future__ import annotations

import os

import pytest

from .arrivals import Arrivals, Sample, balance, exported
from .books import Books, LeftOut
from .disks import lost_of
from .guest import SCHEDULE, missing, switched_on
from .slots import Slots, Span, slots_of
from .trials import short
from .truth import Truth


@pytest.mark.machine
@pytest.mark.skipif(os.geteuid() != 0 or bool(missing()), reason="needs root, and User Mode Linux")
def test_a_journald_that_hangs_and_memory_that_runs_out_lose_no_sample() -> None:
    with switched_on(SCHEDULE) as guest:
        rows = list(short(guest))
    assert [(row.fault, row.lost, row.repeated, row.wrong) for row in rows if not row.is_as_promised] == []
    assert len(rows) == 2


def test_what_was_told_and_is_not_stored_is_missing() -> None:
    told = {"a": [10.6, 15.5, 20.7, 50.6], "b": [11.0]}
    assert Books(told, {"a": [10.0, 15.0, 20.0, 50.0], "b": [10.5]}, 60).missing() == []
    # One in the middle, all of another metric; what is stored and was never told is none of it.
    found = Books(told, {"a": [10.0, 20.0, 30.0, 50.0]}, 60)
    assert found.missing() == [11.0, 15.5]
    assert found.missing(12.0) == [15.5]


def left_out(times: list[float], slots: Slots, span: Span, until: float = 100) -> LeftOut:
    return Books({}, {"a": times}, until).left_out({"a": slots}, span)


@pytest.mark.parametrize("counted", [False, True])
def test_a_single_run_that_is_missing_is_seen(counted: bool) -> None:
    slots, span = Slots(5, 2.5, counted), Span(0, 60)
    regular = [2.6 + 5 * number for number in range(15)]
    assert left_out(regular, slots, span) == (0, 0)
    # The first one, one within, the last one that is of the span.
    for missing_one in (0, 6, 11):
        found = left_out(regular[:missing_one] + regular[missing_one + 1 :], slots, span)
        assert found == (1, 1), missing_one
        assert found.wrong() == []
    assert left_out([at for at in regular if not 20 <= at < 40], slots, span) == (4, 4)
    assert left_out([at for at in regular if not 20 <= at < 30], slots, span).wrong()
    assert left_out([], slots, span) == (12, 12)


def test_a_run_that_is_late_in_its_slot_is_none_left_out() -> None:
    span = Span(0, 60)
    late = [2.6 + 5 * number + (4.5 if number % 2 else 0) for number in range(15)]
    assert left_out(late, Slots(5, 2.5, counted=False), span) == (0, 0)
    # Whoever counts from the last start begins anew with one that was late.
    assert left_out([2.6, 7.6, 16.0, 21.0, 26.0], Slots(5, 2.5, counted=True), Span(0, 26)) == (0, 0)


def test_a_slot_that_is_not_over_is_not_judged() -> None:
    slots = Slots(30, 20, counted=False)
    assert left_out([], slots, Span(0, 40), until=49) == (0, 0)
    assert left_out([], slots, Span(0, 40), until=51) == (1, 1)
    assert left_out([], slots, Span(0, 40, 40), until=51) == (0, 0)


def test_a_timer_says_when_it_is_due() -> None:
    # When this machine was switched on it was a quarter of a second past a minute.
    assert slots_of("[Timer]\nOnCalendar=*:*:01.75/5 UTC\n", 5, 60.25) == Slots(5, 1.5, False)
    assert slots_of("[Timer]\nOnBootSec=20500ms\nOnUnitActiveSec=14s\n", 14, 60.25) == Slots(14, 20.5, True)


def test_runs_that_were_not_due() -> None:
    regular = [float(at) for at in range(0, 60, 5)]
    assert Books({}, {"a": regular}, 60).beyond({"a": 5}, Span(0, 60)) == 0
    assert Books({}, {"a": sorted([*regular, 1.0, 2.0, 3.0])}, 60).beyond({"a": 5}, Span(0, 60)) == 1


def test_samples_are_known_by_series_and_value() -> None:
    used, other = (("__name__", "used"),), (("__name__", "used"), ("of", "b"))
    samples = [Sample(used, "5", 1.0, 101.0), Sample(used, "5", 6.0, 106.0), Sample(other, "5", 1.0, 101.0)]

    def came(*places: tuple[str, int, float]) -> Arrivals:
        lines = [
            {"metric": {"__name__": "used", "device_id": "x", **({"of": of} if of else {})}, **points}
            for of, ms, value in places
            for points in [{"timestamps": [ms], "values": [value]}]
        ]
        return balance(samples, exported(lines))

    found = came(("", 101_000, 5), ("", 106_500, 5), ("b", 101_000, 5))
    assert (found.furthest_ms, found.lost, found.beyond, found.wrong(500), len(found.wrong(499))) == (
        500,
        [],
        [],
        [],
        1,
    )
    # As many have come, but one is not what it was; one is twice there, where the other one does not belong.
    assert came(("", 101_000, 5), ("", 106_000, 6), ("b", 101_000, 5)).lost == [samples[1]]
    assert came(("", 101_000, 5), ("", 101_000, 5), ("b", 101_000, 5)).furthest_ms == 5000
    assert came(("", 101_000, 5), ("", 106_000, 5), ("b", 101_000, 5), ("b", 101_000, 5)).beyond == ["used 5 at 101.0"]
    assert came(("", 106_000, 5), ("b", 101_000, 5)).within(Span(0, 5)) == ([(samples[2], 0)], [samples[0]], [])


def test_the_lab_knows_what_time_it_is() -> None:
    truth = Truth(1000)
    truth.goes_on(10, 1010, 1.5)
    truth.goes_on(20, 1025)
    assert [truth.unix(at) for at in (0, 5, 10, 14, 20, 30)] == [1000, 1005, 1010, 1016, 1025, 1035]
    assert truth.offset(30) == 1005


def test_what_a_disk_may_take_with_it_has_an_end() -> None:
    assert lost_of([-39, -5, 4, 6], 4.0, 12) == 0
    # Told long before, told when ext4 had given up, told when it should have.
    assert lost_of([-41, 8], 4.0, 12) == 2
    assert (lost_of([14, 16], None, 12), lost_of([14, 16], 20.0, 12)) == (1, 1)
