"""The short form of `tests/faults/run kill`, and that its reckoning would see what it is there to see."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Callable

import pytest

from ..box import Box
from ..injection import Place, Range
from .trials import trials

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


def test_whatever_kills_a_job_what_it_said_to_be_stored_is_there_once() -> None:
    rows = list(trials(long=False))
    assert [(row.fault, row.lost, row.repeated, row.wrong) for row in rows if not row.is_as_promised] == []
    assert sum(row.tried for row in rows) >= 20


@pytest.fixture(scope="module")
def here() -> object:
    with Range() as here:
        yield here


def a_run_less(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM runs WHERE id = (SELECT max(id) FROM runs)")


def half_a_run(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE runs SET packed = '[1]' WHERE id = (SELECT max(id) FROM runs WHERE packed LIKE '%,%')")


def a_number_of_the_past_less(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM runs WHERE id = (SELECT min(id) FROM runs)")


@pytest.mark.parametrize("harm", [a_run_less, half_a_run, a_number_of_the_past_less])
def test_the_reckoning_sees(here: Range, harm: Callable[[sqlite3.Connection], None]) -> None:
    box = here.box()
    before = box.runs_of("collect")
    box.ready(box.job("collect"))
    assert box.wrong() == []
    with sqlite3.connect(box.database) as connection:
        harm(connection)
    trial = here.reckon(box, Place("collect", "none", 1), before, 0, "")
    assert trial.lost or trial.wrong


def a_run_less_of_now(box: Box) -> None:
    with sqlite3.connect(box.database) as connection:
        a_run_less(connection)


def nothing_set_aside(box: Box) -> None:
    for path in box.folder.glob("metrics.db.damaged*"):
        path.unlink()


def a_row_of_theirs_less(box: Box) -> None:
    with sqlite3.connect(box.database) as connection:
        connection.execute("DELETE FROM runs WHERE id = (SELECT min(id) FROM runs WHERE packed IS NOT NULL)")


def half_of_each(pattern: str) -> Callable[[Box], None]:
    def harm(box: Box) -> None:
        for path in box.folder.glob(pattern):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return harm


@pytest.mark.parametrize(
    ("job", "harm"),
    [
        ("collect, damaged", a_run_less_of_now),
        ("collect, damaged", nothing_set_aside),
        ("recover", a_run_less_of_now),
        ("import", a_row_of_theirs_less),
        ("maintain, archive", half_of_each("archive/*.jsonl.gz")),
        ("export", half_of_each("export.*")),
        ("snapshot", half_of_each("snapshot.*")),
    ],
)
def test_the_reckoning_of_a_scene_sees(here: Range, job: str, harm: Callable[[Box], None]) -> None:
    for harms in (lambda _: None, harm):
        box = here.box(job)
        before = box.runs_of(job)
        done = box.job(job)
        harms(box)
        trial = here.reckon(box, Place(job, "none", 1), before, done.returncode, done.stderr)
        assert bool(trial.lost or trial.repeated or trial.wrong) == (harms is harm), trial


def test_the_reckoning_sees_a_sample_sent_twice(here: Range) -> None:
    box: Box = here.box()
    before = box.runs_of("upload")
    box.ready(box.job("upload"))
    with sqlite3.connect(box.database) as connection:
        connection.execute("UPDATE positions SET run = 0")
    assert here.reckon(box, Place("upload", "none", 1), before, 0, "").repeated > 0


def test_the_reckoning_sees_a_sample_that_was_not_sent(here: Range) -> None:
    box: Box = here.box()
    before = box.runs_of("upload")
    with sqlite3.connect(box.database) as connection:
        connection.execute("UPDATE positions SET run = (SELECT max(id) FROM runs)")
    box.ready(box.job("upload"))
    assert here.reckon(box, Place("upload", "none", 1), before, 0, "").lost > 0


def test_the_past_of_three_days_is_the_same_after_maintenance(tmp_path: Path, here: Range) -> None:
    box: Box = here.box()
    assert box.number("SELECT count(*) FROM minutes") == 0
    box.ready(box.job("maintain"))
    assert box.number("SELECT count(*) FROM minutes") > 0
    assert box.wrong() == []
