"""A database as a power cut has left it, read on this host."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from belabox_metrics.stream.session import ACTIVE

_FOLDER, _FILE = "belabox-metrics", "metrics.db"
_RUNS = """
SELECT runs.id, jobs.job, jobs.metric, runs.id - lead_ms AS at_ms, boot, outcome, shape, packed, error
FROM runs LEFT JOIN jobs ON jobs.id = runs.job ORDER BY runs.id
"""
_SAMPLES = """
SELECT timestamp_ms, metric_name, metric_value, tags, device_id, uploaded FROM metrics WHERE value_type = 0
"""


class Run(NamedTuple):
    """One row. What may be changed later, the session it belongs to, is left out."""

    number: int
    job: str | None
    metric: str | None
    at_ms: int
    boot: int
    outcome: int
    shape: int | None
    packed: str | None
    error: str | None

    @property
    def size(self) -> int:
        """How many numbers it holds, as a collector counts them."""
        values = json.loads(self.packed) if self.packed else []
        return sum(isinstance(value, (int, float)) for value in values)


class State(NamedTuple):
    """`runs` by their ids; `samples`: rows of the view metrics, the numbers; `sessions`: (status, end or None, boot);
    `faults`: what must not be, in words; `files`: bytes of each."""

    runs: dict[int, Run]
    samples: list[dict[str, Any]]
    sessions: list[tuple[str, int | None, int | None]]
    boots: int
    files: dict[str, int]
    faults: list[str]

    @property
    def active(self) -> int:
        return sum(status == ACTIVE for status, _, _ in self.sessions)


def of_archive(archive: bytes) -> State:
    """`archive`: a tar of the folder of the database. With its log and its `-shm`, both as they were found."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(folder)
        return _of_folder(Path(folder) / _FOLDER)


def of_disk(disk: Path) -> State:
    """`disk`: an ext4 file system whose machine is gone. Its journal is replayed, as a machine does that mounts it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["e2fsck", "-fp", disk], capture_output=True, text=True, check=False)
        # 1: errors were corrected, and that is what the journal is for.
        faults = [f"e2fsck: {done.stdout}{done.stderr}"] if done.returncode > 1 else []
        command = f"rdump /var/lib/{_FOLDER} {folder}"
        subprocess.run(["debugfs", "-R", command, disk], check=True, capture_output=True)
        place = Path(folder) / _FOLDER
        place.mkdir(exist_ok=True)
        found = _of_folder(place)
    return found._replace(faults=[*faults, *found.faults])


def _of_folder(place: Path) -> State:
    files = {path.name: path.stat().st_size for path in place.iterdir()}
    faults = [f"{name}: set aside as damaged" for name in files if "damaged" in name]
    if _FILE not in files:
        return State({}, [], [], 0, files, faults)
    with closing(sqlite3.connect(place / _FILE)) as connection:
        connection.row_factory = sqlite3.Row
        return _read(connection, files, faults)


def _read(connection: sqlite3.Connection, files: dict[str, int], faults: list[str]) -> State:
    try:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if said != ["ok"]:
            return State({}, [], [], 0, files, [*faults, f"integrity_check: {'; '.join(said[:3])}"])
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            return State({}, [], [], 0, files, faults)
        runs = {row["id"]: Run(*row) for row in connection.execute(_RUNS)}
        lengths = dict(connection.execute("SELECT shape, count(*) FROM series GROUP BY shape").fetchall())
        last = connection.execute("SELECT job, metric, last_run FROM jobs").fetchall()
        sent = connection.execute("SELECT max(run) FROM positions").fetchone()[0] or 0
        boots = {row[0] for row in connection.execute("SELECT id FROM boots")}
        sessions = connection.execute("SELECT status, end_time, of_boot FROM sessions ORDER BY number").fetchall()
        samples = [dict(row) for row in connection.execute(_SAMPLES)]
    except sqlite3.DatabaseError as error:
        return State({}, [], [], 0, files, [*faults, f"the database: {error}"])
    for run in runs.values():
        faults += _torn(run, lengths, boots)
    newest = {(run.job, run.metric): run.number for run in runs.values()}
    for job, metric, number in last:
        if number is not None and newest.get((job, metric)) != number:
            faults.append(f"{job} {metric}: its last run is {number}, the table has {newest.get((job, metric))}")
    if sent > max(runs, default=0):
        faults.append(f"the queue is at {sent}, behind the last run")
    return State(runs, samples, [tuple(row) for row in sessions], len(boots), files, faults)


def _torn(run: Run, lengths: dict[int, int], boots: set[int]) -> list[str]:
    """What a run lacks that was stored in the same transaction."""
    faults = []
    if run.job is None:
        faults.append(f"run {run.number} is of no job")
    if run.boot not in boots:
        faults.append(f"run {run.number} is of no boot")
    if (run.shape is None) != (run.packed is None):
        faults.append(f"run {run.number} has values or series, not both")
    if run.shape is not None and len(json.loads(run.packed or "[]")) != lengths.get(run.shape, 0):
        faults.append(f"run {run.number}: {run.packed} for {lengths.get(run.shape)} series")
    return faults
