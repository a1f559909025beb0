"""The short form of `tests/faults/run clock`, and that its reckoning would see a sample in the wrong place."""

from __future__ import annotations

import shutil

import pytest

from .life import HOUR_MS, Life
from .scripts import KEPT_MS, SCRIPTS, Script
from .trials import STEP_MS, played, whole_processes


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.play.__name__)
def test_no_sample_is_misplaced_lost_or_repeated_and_none_deleted_by_mistake(script: Script) -> None:
    row = played(script, STEP_MS)
    assert (row.lost, row.repeated, row.wrong) == (0, 0, [])
    assert row.tried >= 18


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
