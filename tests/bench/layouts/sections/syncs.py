"""Which process waits for the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..compared import LAYOUTS
from ..database import checkpoint, commit, connect, create, keep, size
from ..load import load
from ..options import Options
from ..table import table

CHECKOUT = Path(__file__).parents[4]


def measure(folder: Path, options: Options) -> None:
    if not shutil.which("strace"):
        print("\nsyncs: skipped, there is no strace")
        return
    path = folder / "syncs.db"
    create(path, LAYOUTS["f"][1], 1024)
    steps = (
        ("insert", "the first run of a new WAL"),
        ("insert", "the second"),
        ("insert", "the third"),
        ("checkpoint", "checkpoint TRUNCATE alone"),
        ("insert", "the first run after it"),
        ("insert", "the second"),
        ("checkpoint-row", "checkpoint TRUNCATE, then a row of its own under the same lock"),
        ("insert", "the first run after it"),
        ("insert", "the second"),
        ("restart", "checkpoint RESTART alone"),
        ("insert", "the first run after it"),
        ("restart-row", "checkpoint RESTART, then a row of its own under the same lock"),
        ("insert", "the first run after it"),
        ("close", "a run that closes its connection"),
    )
    rows = [(title, *traced(path, step, number), size(path, "-wal")) for number, (step, title) in enumerate(steps)]
    head = ("process", "syncs of the WAL", "of the database", "of the folder", "WAL bytes afterwards")
    table("Syncs of each process, in order", head, rows)


def traced(path: Path, step: str, number: int) -> tuple[int, int, int]:
    """Run one step of `one` under strace and count its syncs by file."""
    log = path.with_suffix(".strace")
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(log)]
    process = [sys.executable, "-m", __spec__.name, str(path), step, str(number)]
    subprocess.run([*command, *process], check=True, cwd=CHECKOUT)
    calls = [line for line in log.read_text().splitlines() if "sync(" in line]
    wal = sum("-wal>" in call for call in calls)
    database = sum(f"{path.name}>" in call for call in calls)
    return wal, database, len(calls) - wal - database


def one(path: Path, step: str, number: int) -> None:
    """A single process of the section `syncs`."""
    layout = LAYOUTS["f"][1]
    run = next(load(1, number + 1))
    db = keep(connect(path))
    kind, _, row = step.partition("-")
    if kind in ("checkpoint", "restart"):
        checkpoint(db, "TRUNCATE" if kind == "checkpoint" else "RESTART")
    if row or kind in ("insert", "close"):
        commit(db, layout, layout.prepare(run))
    if kind == "close":
        db.close()
    os._exit(0)


if __name__ == "__main__":
    one(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
