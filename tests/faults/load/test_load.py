"""The short form of `tests/faults/run load`: what holds on any machine. Times are for the long one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..quiet import quiet
from .flood import Flood
from .ledger import BEGIN_MS, NUMBERS, Ledger, value
from .outages import Outages
from .trials import CROWD, trials


def test_nothing_is_lost_whatever_the_load() -> None:
    rows = list(trials(long=False))
    assert [(row.fault, row.lost, row.repeated, row.wrong) for row in rows if not row.is_as_promised] == []
    assert rows[0].tried == 450 * NUMBERS
    assert rows[1].tried == CROWD


@pytest.fixture
def flood(tmp_path: Path) -> Iterator[Flood]:
    flood = Flood(tmp_path)
    yield flood
    flood.server.close()
    flood.store.close()


def test_the_reckoning_sees_a_run_that_was_not_sent(flood: Flood) -> None:
    with quiet():
        flood.live(0.01)
    assert flood.reckoned().is_as_promised
    flood.ledger.tell()
    assert flood.reckoned().lost == NUMBERS


@pytest.fixture
def ledger() -> Ledger:
    """Of three runs."""
    ledger = Ledger()
    for _ in range(3):
        ledger.tell()
    return ledger


def line(at: int, *runs: int, more: float = 0) -> bytes:
    """As an upload sends it: of the series at this place."""
    labels = {"__name__": "flood_value", "device_id": "box", "of": str(at)}
    values, stamps = [value(run, at) + more for run in runs], [BEGIN_MS + (run - 1) * 1000 for run in runs]
    return json.dumps({"metric": labels, "values": values, "timestamps": stamps}).encode()


def test_a_copy_does_not_stand_in_for_what_is_missing(ledger: Ledger) -> None:
    ledger.arrive("a", line(1, 1, 2), told=True)
    ledger.arrive("b", line(1, 2), told=True)
    assert (ledger.missing, ledger.copies, ledger.doubtful, ledger.wrong) == (3 * NUMBERS - 2, 1, 0, {})


def test_a_copy_is_none_under_the_same_key_and_excused_where_no_answer_was_had(ledger: Ledger) -> None:
    ledger.arrive("a", line(1, 1, 2), told=False)
    ledger.arrive("a", line(1, 1, 2), told=False)
    assert (ledger.copies, ledger.doubtful) == (0, 0)
    ledger.arrive("b", line(1, 1), told=True)
    assert (ledger.copies, ledger.doubtful) == (0, 1)
    ledger.arrive("c", line(1, 1), told=True)
    assert (ledger.copies, ledger.doubtful, ledger.wrong) == (1, 1, {})


@pytest.mark.parametrize("body", [line(1, 1, more=0.01), line(NUMBERS, 1), line(1, 4), line(1, 0)])
def test_what_nobody_stored_is_wrong(ledger: Ledger, body: bytes) -> None:
    ledger.arrive("a", body, told=True)
    assert sum(ledger.wrong.values()) == 1
    assert ledger.missing == 3 * NUMBERS


def test_other_bytes_under_a_key_are_wrong(ledger: Ledger) -> None:
    ledger.arrive("a", line(1, 1), told=True)
    ledger.arrive("a", line(1, 2), told=True)
    assert sum(ledger.wrong.values()) == 1


def test_an_outage_is_counted_until_nothing_old_waits_whatever_comes_between() -> None:
    outages = Outages(random.Random(1))
    outages.begin()
    outages.end(100)
    outages.begin()
    outages.end(300)
    outages.caught_up(330)
    assert (outages.within_s, outages.beyond_s) == ([30], [230])
