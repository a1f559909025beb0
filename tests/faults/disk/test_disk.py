"""The short form of `tests/faults/run disk`."""

from __future__ import annotations

import shutil

import pytest

from ..injection import Place, Range
from .trials import trials

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


def test_whatever_the_disk_says_nothing_stored_is_lost_and_all_resumes() -> None:
    rows = list(trials(long=False))
    assert [(row.fault, row.lost, row.repeated, row.wrong) for row in rows if not row.is_as_promised] == []


@pytest.mark.parametrize("error", ["ENOLCK", "EIO"])
def test_a_file_system_that_cannot_lock_is_told_in_a_line(error: str) -> None:
    with Range() as here:
        place, box = Place("collect", "flock", 1), here.box()
        done = box.job("collect", before=place.struck(f"error={error}"))
        assert (done.returncode, "cannot be locked" in done.stderr, len(done.stderr.splitlines())) == (1, True, 1)
        assert here.strike(place, f"error={error}").wrong == []
