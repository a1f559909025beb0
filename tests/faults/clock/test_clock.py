"""The short form of `tests/faults/run clock`, and that its reckoning would see a sample in the wrong place."""

from __future__ import annotations

import shutil
from collections import Counter

import pytest

from ..server import CUTS, HANGS_UP, REFUSES, UNAVAILABLE
from .life import HOUR_MS, MINUTE_MS, Life
from .scripts import KEPT_MS, LEAP_MS, SCRIPTS, Script, a_leap_second
from .trials import STEP_MS, played, whole_processes


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.play.__name__)
def test_no_sample_is_misplaced_lost_or_repeated_and_none_deleted_by_mistake(script: Script) -> None:
    row = played(script, STEP_MS)
    assert (row.lost, row.repeated, row.wrong) == (0, 0, [])
    assert row.tried >= 18


@pytest.mark.parametrize("way", [REFUSES, HANGS_UP, CUTS])
def test_nothing_is_learned_of_the_time_without_an_answer(way: str) -> None:
    row = played(Script("half an hour late", KEPT_MS, lambda life: wakes_late(life, way)), STEP_MS)
    assert (row.lost, row.repeated, row.wrong) == (0, 0, [])


def test_a_time_that_was_learned_without_a_network_is_seen() -> None:
    """One that says 503 says what time it is."""
    with pytest.raises(RuntimeError, match="has learned the time"):
        played(Script("nobody", KEPT_MS, lambda life: wakes_late(life, UNAVAILABLE)), STEP_MS)


def wakes_late(life: Life, way: str) -> None:
    life.server.when_down = way
    life.boot(-30 * MINUTE_MS)
    life.live_alone(1)
    life.set(synchronized=True)
    life.live(1)


def test_in_a_leap_second_several_runs_have_one_timestamp() -> None:
    shown: Counter[int] = Counter()

    def leaps(life: Life) -> None:
        a_leap_second(life)
        shown.update(wall_ms for _, _, wall_ms in life.kept)

    assert played(Script("nobody", LEAP_MS, leaps), STEP_MS).is_as_promised
    assert sorted(shown.values())[-4:] == [6, 6, 6, 6]


def test_a_timestamp_that_was_changed_is_seen() -> None:
    def changes(life: Life) -> None:
        life.live(1)
        metric, true_ms, wall_ms = life.kept[2]
        life.kept[2] = (metric, true_ms, wall_ms + 1)

    row = played(Script("nobody", LEAP_MS, changes), STEP_MS)
    assert row.wrong == ["1 samples have not the time that a clock showed which a time server kept"]


def test_a_time_server_that_lies_is_believed() -> None:
    """What is not promised; and that the reckoning sees it."""

    def lies(life: Life) -> None:
        life.live(1)
        life.set(HOUR_MS, synchronized=True)
        life.live(1)

    assert played(Script("a time server that lies", KEPT_MS, lies), STEP_MS).wrong != []


def test_what_was_deleted_by_mistake_is_seen() -> None:
    def deletes(life: Life) -> None:
        life.live(1)
        with life.store.writing() as connection:
            connection.execute("DELETE FROM runs WHERE id = (SELECT min(id) FROM runs WHERE packed LIKE '[17%')")

    assert played(Script("nobody", KEPT_MS, deletes), STEP_MS).wrong != []


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime")
def test_whole_programs_whose_clock_is_wrong() -> None:
    row = whole_processes(("-3600",))
    assert (row.lost, row.repeated, row.wrong) == (0, 0, [])
