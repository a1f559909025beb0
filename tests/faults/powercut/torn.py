"""The files of a database as a power cut may leave them, without a machine: the log torn, shortened or full of holes,
its index of another time, the database in the middle of a checkpoint. What must then be there is known exactly."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.provenance import PYTHON, ROOT

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store

# What a drive writes as one, and a file system.
SECTOR, BLOCK = 512, 4096
# The head of a log, and a page in it with its own.
HEAD, FRAME = 32, 24 + 4096
# Before the checkpoint, and after: the log was longer then.
EARLIER, LATER = 45, 40
METRIC = "torn.test"
_STORED = "SELECT count(*) FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = 'memory.usage' AND outcome = 0"
WAYS = ("shortened", "a torn end", "holes", "old blocks", "an old end", "in a checkpoint")


class Original(NamedTuple):
    """Files in `folder`: `before.db` and `after.db`, a database before and after its `log` was folded in; `old-log`, as
    it was before the checkpoint before; a few `shm`. `ends`: how long the log was after each commit."""

    folder: Path
    ends: list[int]
    shm: list[Path]


class Broken(NamedTuple):
    """`name` of what was done; `path` of the database; `kept`: how many runs must be there."""

    name: str
    path: Path
    kept: int


def original(folder: Path) -> Original:
    """As the jobs leave it: nobody closes."""
    folder.mkdir()
    path = folder / "metrics.db"
    store = Store(str(path))
    for at in range(EARLIER):
        _add(store, at)
    shutil.copy(folder / "metrics.db-wal", folder / "old-log")
    with store.writing(checkpoint_first=True) as connection:
        # Who checkpoints writes a row of its own at once.
        runs.add(connection, runs.Run("maintain", _moment(EARLIER)))
    shutil.copy(path, folder / "before.db")
    log, shm, ends = folder / "metrics.db-wal", [], []
    for at in range(LATER):
        _add(store, EARLIER + 1 + at)
        ends.append(log.stat().st_size)
        if at % 10 == 5:
            shm.append(folder / f"shm-{at}")
            shutil.copy(folder / "metrics.db-shm", shm[-1])
    shutil.copy(log, folder / "log")
    store.close()
    shutil.copy(path, folder / "after.db")
    return Original(folder, ends, shm)


def breakages(whole: Original, folder: Path, chance: random.Random, times: int) -> Iterator[Broken]:
    """One after the other, each in place of the one before."""
    log, old = ((whole.folder / name).read_bytes() for name in ("log", "old-log"))
    for _ in range(times):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = folder / "metrics.db"
        name = chance.choice(WAYS)
        torn = log
        shutil.copy(whole.folder / "before.db", path)
        if name == "in a checkpoint":
            path.write_bytes(_halfway(whole, chance))
        else:
            torn = _torn(name, log, old, chance)
        path.with_name("metrics.db-wal").write_bytes(torn)
        _index(whole, path.with_name("metrics.db-shm"), chance)
        first = next((at for at, (one, other) in enumerate(zip(log, torn)) if one != other), len(torn))
        yield Broken(name, path, EARLIER + sum(end <= first for end in whole.ends))


def verdict(broken: Broken) -> list[str]:
    """What must not be, in words, after a job has found it and stored a run. Here it is what jobs store with, in this
    process: of what a whole job does more, collected() is the trial."""
    store = Store(str(broken.path))
    try:
        _add(store, EARLIER + LATER + 1)
    finally:
        store.close()
    return _unlike(broken, [EARLIER + LATER + 1])


def collected(broken: Broken) -> list[str]:
    """The same after a collection as the unit starts it, which heals what it takes for damaged."""
    environment = {
        "BELABOX_METRICS_DATABASE": str(broken.path),
        "BELABOX_METRICS_CONFIG": str(ROOT / "configs/config.yaml"),
    }
    environment |= {"BELABOX_METRICS_RECOVER": str(broken.path.with_name("recover-wanted"))}
    command = [PYTHON, "-I", "-S", str(ROOT / "jobs/collect.py"), "memory.usage"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    faults = _unlike(broken, [])
    with closing(sqlite3.connect(broken.path)) as connection:
        stored = connection.execute(_STORED).fetchone()[0]
    if done.returncode or stored != 1:
        faults.append(f"{broken.name}: exit code {done.returncode}, {stored} runs of it: {done.stderr[-300:]}")
    return faults


def _unlike(broken: Broken, more: list[int]) -> list[str]:
    """What differs from the runs that must be there and those which were stored since."""
    with closing(sqlite3.connect(broken.path)) as connection:
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
        rows = connection.execute(
            "SELECT packed FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = ? ORDER BY runs.id", (METRIC,)
        ).fetchall()
    faults = [] if said == "ok" else [f"integrity_check: {said}"]
    found = [int(row[0].strip("[]").split(",")[0]) for row in rows]
    numbers = [*range(EARLIER), *range(EARLIER + 1, EARLIER + LATER + 1)]
    wanted = [*numbers[: broken.kept], *more]
    if found != wanted:
        faults.append(f"{broken.name}: {len(found)} runs, {len(wanted)} must be there")
    faults += [f"{broken.name}: {other.name}" for other in broken.path.parent.glob("*damaged*")]
    return faults


def _torn(name: str, log: bytes, old: bytes, chance: random.Random) -> bytes:
    """`old`: what had its place on the disk before it, frames of an earlier generation with a sum of their own."""
    at = chance.randrange(len(log))
    if name == "shortened":
        return log[:at]
    if name == "an old end":
        # Between two sectors mostly, as a drive is stopped; and where frames would follow each other.
        at = chance.choice((at, at // SECTOR * SECTOR, _frame(at)))
        return log[:at] + old[at:]
    torn = bytearray(log)
    # What was not written is empty where the file grew, and old where it did not.
    size = SECTOR if name == "a torn end" else BLOCK
    first = len(log) - BLOCK if name == "a torn end" else 0
    for start in range(first // size * size, len(log), size):
        if chance.random() < (0.5 if name == "a torn end" else 0.1):
            end = min(start + size, len(log))
            is_old = name == "old blocks" and start > 0
            torn[start:end] = old[start:end] if is_old else bytes(end - start)
    if name == "old blocks":
        # SQLite syncs the head of a log before any page: else pages of the one before would follow a head of theirs.
        torn[:HEAD] = log[:HEAD]
    return bytes(torn)


def _frame(at: int) -> int:
    """Where the frame begins in which a place of a log is: https://sqlite.org/fileformat.html#walformat"""
    return max(0, (at - HEAD) // FRAME) * FRAME + HEAD


def _halfway(whole: Original, chance: random.Random) -> bytes:
    """Some sectors of it are written, and some not: the log is whole, it was synced before."""
    old, new = ((whole.folder / name).read_bytes() for name in ("before.db", "after.db"))
    mixed = bytearray(new[: chance.choice((len(old), len(new)))])
    for start in range(0, min(len(old), len(mixed)), SECTOR):
        if chance.random() < 0.5:
            mixed[start : start + SECTOR] = old[start : start + SECTOR]
    for start in range(len(old), len(mixed), SECTOR):
        if chance.random() < 0.5:
            mixed[start : start + SECTOR] = bytes(SECTOR)
    return bytes(mixed)


def _index(whole: Original, path: Path, chance: random.Random) -> None:
    kind = chance.choice(("none", "empty", "old", "nonsense"))
    if kind == "old":
        shutil.copy(chance.choice(whole.shm), path)
    elif kind != "none":
        path.write_bytes(chance.randbytes(32768) if kind == "nonsense" else b"")


def _add(store: Store, at: int) -> None:
    samples = [Sample("torn.value", at + number, {"of": str(number)}) for number in range(12)]
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", _moment(at), metric=METRIC, samples=samples))


def _moment(at: int) -> Moment:
    return Moment(1_760_000_000_000 + at * 1000, 1000 + at * 1000, "boot", True)
