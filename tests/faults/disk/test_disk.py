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


# The first lock of `apply` is that of the units.
@pytest.mark.parametrize(("job", "at"), [("collect", 1), ("apply", 1), ("apply", 2)])
@pytest.mark.parametrize("error", ["ENOLCK", "EIO"])
def test_a_file_system_that_cannot_lock_is_told_in_a_line(error: str, job: str, at: int) -> None:
    with Range() as here:
        place, box = Place(job, "flock", at), here.box()
        done = box.job(job, before=place.struck(f"error={error}"))
        assert (done.returncode, "cannot be locked" in done.stderr, len(done.stderr.splitlines())) == (1, True, 1)
        assert here.strike(place, f"error={error}").wrong == []


def test_a_read_that_fails_after_the_commit_stores_nothing_twice() -> None:
    with Range() as here:
        place, box = [*here.places(("collect",), "pread64")][-1], here.box()
        before = box.runs_of("collect")
        done = box.job("collect", before=place.struck("error=EIO"))
        assert (done.returncode, box.runs_of("collect") - before) == (0, 1), done.stderr
