"""The reckoning at the end would see what it is there to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.link.account import sample_of

from .balance import Aftermath, aftermath, balance
from .state import State
from .test_audit import START, box, posts


def exported(of: State, times: int = 1, less: int = 0, wrong_by: float = 0.0) -> list[dict[str, Any]]:
    return [
        {
            "metric": dict(labels),
            "timestamps": [at] * times,
            "values": [row["metric_value"] + wrong_by] * times,
        }
        for row in of.samples[less:]
        for labels, at in [sample_of(row)]
    ]


def test_in_the_end_all_is_on_the_server_once(tmp_path: Path) -> None:
    final = box(tmp_path, 20, sent=20)
    found = balance(final, exported(final), posts(final, START + 20), [])
    assert (found.stored, found.exported, found.missing, found.copies, found.faults) == (60, 60, 0, 0, [])


@pytest.mark.parametrize(
    ("server", "what"),
    [
        ({"less": 1}, "are not on the server"),
        ({"wrong_by": 1.0}, "differ"),
        ({"times": 2}, "more or less often than they were accepted"),
    ],
)
def test_what_is_missing_or_differs_is_a_fault(tmp_path: Path, server: dict[str, Any], what: str) -> None:
    final = box(tmp_path, 20, sent=20)
    (fault,) = balance(final, exported(final, **server), posts(final, START + 20), []).faults
    assert what in fault


def test_what_waits_is_a_fault(tmp_path: Path) -> None:
    final = box(tmp_path, 20, sent=19)
    (fault,) = balance(final, exported(final), posts(final, START + 20), []).faults
    assert "3 samples are still pending" in fault


@pytest.mark.parametrize(
    ("cut", "knew_of", "again", "is_odd"),
    [
        # The cut took from the queue that they were accepted.
        (25, 0, 40, False),
        # It did so long after that.
        (90, 0, 100, True),
        # It left in the queue that they were.
        (25, 20, 40, True),
        # Of one of them it did.
        (25, 1, 40, True),
        # It came before they were accepted, or after they were accepted again.
        (15, 0, 40, True),
        (45, 0, 40, True),
        (None, 0, 40, True),
    ],
)
def test_a_copy_needs_a_cut_that_took_from_the_queue_what_was_sent(
    tmp_path: Path, cut: int | None, knew_of: int, again: int, is_odd: bool
) -> None:
    """`knew_of`: of how many seconds the queue knew, after the cut, that their samples were accepted at 20."""
    final, left = box(tmp_path / "final", 20, sent=20), box(tmp_path / "left", 20, sent=knew_of)
    accepted = [*posts(final, START + 20), *posts(final, START + again)]
    aftermaths = [] if cut is None else [aftermath(START + cut, left)]
    found = balance(final, exported(final, times=2), accepted, aftermaths)
    assert found.copies == 60
    assert ["more than once, and no power cut" in fault for fault in found.faults] == ([True] if is_odd else [])


@pytest.mark.parametrize(
    ("cuts", "survived", "is_odd"),
    [
        ([40], 20, False),
        # Long after they were accepted.
        ([400], 20, True),
        # The next cut would have been the one to take them.
        ([70, 80], 20, False),
        ([40, 60], 25, True),
        # It left of their series what was later.
        ([40], 40, True),
        ([], 20, True),
    ],
)
def test_what_only_the_server_has_needs_a_cut_that_took_it_and_all_after_it(
    tmp_path: Path, cuts: list[int], survived: int, is_odd: bool
) -> None:
    """`survived`: how many seconds of runs were left by the first of the cuts."""
    final, more = box(tmp_path / "final", 20, sent=20), box(tmp_path / "more", 30, sent=30)
    left = box(tmp_path / "left", survived, sent=survived)
    aftermaths = [aftermath(START + cut, left) for cut in cuts]
    found = balance(final, exported(more), posts(more, START + 30), aftermaths)
    assert found.lost_on_server == 30
    assert ["server alone" in fault for fault in found.faults] == ([True] if is_odd else [])


def test_what_a_cut_leaves_of_what_is_to_be_sent(tmp_path: Path) -> None:
    left = aftermath(START + 25.0, box(tmp_path, 20, sent=15))
    assert (left.cut, len(left.unsent)) == (START + 25.0, 15)
    assert set(left.newest.values()) == {(START + 19) * 1000}
    assert isinstance(left, Aftermath)
