"""Bytes that reach the device, file system included."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..compared import LAYOUTS
from ..database import activate, checkpoint, commit, connect, create, in_child, keep
from ..load import EPOCH_MS, PER_MINUTE, Row, Run, load
from ..options import Options
from ..table import MIB, table
from ..volume import Volume


class Case(NamedTuple):
    layout: str
    page_size: int
    exclusive: bool
    kind: str  # of checkpoint; "RESTART" leaves the WAL its length and writes a row so that it starts anew
    minutes: int  # between two checkpoints
    mount_options: str
    sync_s: int = 0  # how often the WAL is synced beside that, as belabox-metrics-sync.timer does; 0: never


DEFAULTS = "noatime"
CASES = (
    Case("a", 4096, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 2048, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 4096, False, "TRUNCATE", 12, DEFAULTS),
    Case("g", 4096, False, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 3, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 6, DEFAULTS),
    Case("f", 1024, False, "RESTART", 6, DEFAULTS),
    Case("f", 1024, True, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, True, "TRUNCATE", 6, DEFAULTS),
    Case("f", 1024, True, "RESTART", 6, DEFAULTS),
    Case("f", 4096, True, "TRUNCATE", 12, DEFAULTS),
    Case("f", 1024, False, "TRUNCATE", 12, DEFAULTS + ",commit=600"),
    Case("f", 1024, False, "TRUNCATE", 6, DEFAULTS, 30),
    Case("f", 1024, False, "TRUNCATE", 6, DEFAULTS + ",commit=600"),
    Case("f", 1024, False, "TRUNCATE", 6, DEFAULTS + ",commit=600", 30),
)


def checkpoint_and_row(path: Path, case: Case, prepared: Any) -> float:
    db = keep(connect(path, case.exclusive))
    checkpoint(db, case.kind)
    commit(db, LAYOUTS[case.layout][1], prepared)
    return 0


class Trial:
    """One case on one volume, driven run by run."""

    def __init__(self, folder: Path, number: int, case: Case) -> None:
        self.case, self.layout = case, LAYOUTS[case.layout][1]
        self.volume = Volume(folder, f"volume{number}", case.mount_options)
        self.path = self.volume.mount / "metrics.db"
        create(self.path, self.layout, case.page_size)
        self.volume.flush()
        self.before, self.activations, self.synced_ms = self.volume.written(), 0, EPOCH_MS

    def step(self, run: Run) -> None:
        prepared = self.layout.prepare(run)
        period = self.case.minutes * PER_MINUTE
        if self.activations and self.activations % period == 0:
            in_child(functools.partial(checkpoint_and_row, self.path, self.case, prepared))
        else:
            in_child(functools.partial(activate, self.path, self.layout, prepared, self.case.exclusive))
        self.activations += 1
        if self.case.sync_s and run.ts - self.synced_ms >= self.case.sync_s * 1000:
            self.synced_ms = run.ts
            subprocess.run(["sync", "--data", f"{self.path}-wal"], check=True)

    def row(self) -> Row:
        self.volume.flush()
        case = self.case
        index = "in memory" if case.exclusive else "-shm"
        written = self.volume.written() - self.before
        return (case.layout, case.page_size, index, case.kind, case.minutes, case.mount_options,
                f"{case.sync_s} s" if case.sync_s else "", written / MIB, written / self.activations)  # fmt: skip


def measure(folder: Path, options: Options) -> None:
    if os.geteuid() or not all(map(shutil.which, ("losetup", "mkfs.ext4", "mount"))):
        print("\next4: skipped, it needs root, losetup and mkfs.ext4")
        return
    trials: list[Trial] = []
    try:
        for number, case in enumerate(CASES):
            trials.append(Trial(folder, number, case))
        (real_pace if options.pace == "real" else fast_pace)(trials, options.minutes)
        rows = [trial.row() for trial in trials]
    finally:
        for trial in trials:
            trial.volume.drop()
    real = options.pace == "real"
    pace = (
        "true pace, synced by SQLite and where a line says so" if real else "accelerated, syncfs each 30 s of the load"
    )
    head = (
        "layout",
        "page",
        "index of the WAL",
        "checkpoint",
        "every, min",
        "mount",
        "synced",
        "MiB written",
        "bytes / activation",
    )
    table(f"An ext4 device, {trials[0].activations} activations, {pace}", head, rows)


def fast_pace(trials: list[Trial], minutes: float) -> None:
    for run, number in zip(load(minutes / 60 + 1), range(int(minutes * PER_MINUTE) + 1)):
        for trial in trials:
            trial.step(run)
            if number % (PER_MINUTE // 2) == 0:
                trial.volume.flush()


def real_pace(trials: list[Trial], minutes: float) -> None:
    began = time.monotonic()
    for run, _ in zip(load(minutes / 60 + 1), range(int(minutes * PER_MINUTE) + 1)):
        time.sleep(max(0.0, began + (run.ts - EPOCH_MS) / 1000 - time.monotonic()))
        for trial in trials:
            trial.step(run)
