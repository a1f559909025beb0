"""Killed at each system call that changes something, while a damaged database is moved and while its runs come over."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from belabox_metrics.store import quarantine

from .box import RUNS, SENT, Box
from .test_damage import fold_log, zeros_at_the_head


def killed_at(box: Box, job: tuple[str, ...], call: str, number: int) -> bool:
    """Run the job until its `number`th `call`; whether it lived to make so many."""
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
    done = box.job(*job, before=["strace", "-qq", "-o", "/dev/null", *inject])
    if done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return True
    assert done.returncode == 0, done.stderr
    return False


def copy(box: Box, folder: Path) -> Box:
    """The same box as it was when its power went: what the kernel had, and no process."""
    folder.mkdir()
    for path in box.folder.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return Box(folder)


# How many there are at least: three files and a note; the folder and its lock; the new database and its log.
MOVING = (("rename", 5), ("fsync", 2), ("pwrite64", 40), ("flock", 2))
COMING = (("pwrite64", 60), ("flock", 3), ("unlink", 1), ("rename", 1))


@pytest.mark.parametrize(("call", "least"), MOVING, ids=[call for call, _ in MOVING])
def test_killed_while_it_is_moved_the_next_goes_on(box: Box, tmp_path: Path, call: str, least: int) -> None:
    fold_log(box)
    zeros_at_the_head(box)
    # Of writes there are too many to try all: those of one table are like those of another.
    step = 17 if call == "pwrite64" else 1
    reached = 0
    for number in range(1, 1000, step):
        here = copy(box, tmp_path / f"{call}-{number}")
        dead = killed_at(here, ("collect.py", "memory.usage"), call, number)
        done = here.collect()
        assert done.returncode == 0, done.stderr
        assert here.job("recover.py").returncode == 0
        check(here)
        if not dead:
            break
        reached = number
    assert reached >= least


@pytest.mark.parametrize(("call", "least"), COMING, ids=[call for call, _ in COMING])
def test_killed_while_runs_come_over_each_comes_once(box: Box, tmp_path: Path, call: str, least: int) -> None:
    fold_log(box)
    zeros_at_the_head(box)
    assert box.collect().returncode == 0
    step = 23 if call == "pwrite64" else 1
    reached = 0
    for number in range(1, 2000, step):
        here = copy(box, tmp_path / f"{call}-{number}")
        dead = killed_at(here, ("recover.py",), call, number)
        assert here.collect("cpu.usage").returncode == 0
        done = here.job("recover.py")
        assert done.returncode == 0, done.stderr
        check(here)
        if not dead:
            break
        reached = number
    assert reached >= least


def check(box: Box) -> None:
    assert box.past() == list(range(RUNS))
    assert len(box.aside()) == 1
    assert [aside.salvaged for aside in quarantine.standing(str(box.database))] == [True]
    assert box.sql("PRAGMA integrity_check") == [("ok",)]
    pending = box.sql(
        "SELECT count(DISTINCT timestamp_ms) FROM metrics WHERE NOT uploaded AND metric_name = 'n.value0'"
    )
    assert pending == [(RUNS - SENT,)]
    left = {path.name for path in box.folder.glob("metrics.db*")}
    assert not [name for name in left if name.endswith(".moving")]
    assert {"metrics.db", "metrics.db-wal"} <= left
