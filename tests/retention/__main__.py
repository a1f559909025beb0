"""A month of a box in some minutes: size, wholeness, and what a collection costs at its end beside its beginning."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .month import Month
from .schedule import SCHEDULES

ROOT = Path(__file__).parents[2]
BOX = ROOT / "tests/fixtures/orangepi5plus"
# The fourth hour: every table of the queue has its rows, all modules are compiled.
BEGINNING = 4


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="month-", dir=options.folder))
    month = Month(str(folder / "metrics.db"), SCHEDULES[options.schedule])
    # The records of each maintenance would be three thousand lines.
    records = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    started = time.monotonic()
    for hour in range(options.days * 24):
        month.hour()
        if hour == BEGINNING:
            _copy(folder, "beginning.db")
        if hour % 24 == 23:
            print(f"day {hour // 24 + 1}: {month.sizes()}", flush=True)
    os.dup2(records, 2)
    whole = month.store.connection().execute("PRAGMA integrity_check").fetchone()[0]
    _copy(folder, "end.db")
    early, late = _costs(folder / "beginning.db", folder / "end.db", options.processes)
    print(
        f"""
{options.days} days of the schedule "{options.schedule}" in {time.monotonic() - started:.0f} s
runs, numbers collected   {month.runs}, {month.samples}
rows                      {month.sizes()}
file at most, with log    {month.largest / 1e6:.1f} MB
integrity_check           {whole}
lock held                 {_spread(month.held_s)} by a transaction
log folded in             {_spread(month.folding_s)}
CPU of a maintenance      {statistics.median(month.cpu_s):.3f} s, {max(month.cpu_s):.3f} s at most
CPU of a collection       {late / early:.3f} times that at the beginning ({late:.2f} ms, {early:.2f} ms)"""
    )
    if not options.keep:
        shutil.rmtree(folder)
    return 0 if whole == "ok" and month.largest < options.most_mb * 1e6 and late / early <= options.most_ratio else 1


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    places = [(name, ordered[int((len(ordered) - 1) * share)]) for name, share in (("median", 0.5), ("p99", 0.99))]
    told = ", ".join([f"{name} {value * 1000:.1f}" for name, value in (*places, ("at most", ordered[-1]))])
    return f"{told} ms, {len(ordered)} times,"


def _copy(folder: Path, name: str) -> None:
    """The database with its log as it lies there."""
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"metrics.db{suffix}", folder / f"{name}{suffix}")


def _costs(early: Path, late: Path, processes: int) -> tuple[float, float]:
    """CPU ms of a collection with each database, medians, by turns: what else the machine does falls on both."""
    spent: dict[Path, list[float]] = {early: [], late: []}
    for number in range(processes + 3):
        for path in (early, late):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                ["/usr/bin/python3", "-I", "-S", ROOT / "jobs/collect.py", "memory.usage", "--database", path],
                env={"BELABOX_METRICS_ROOT": str(BOX), "BELABOX_METRICS_CONFIG": os.devnull},
                check=True,
                stderr=subprocess.DEVNULL,
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            if number >= 3:
                spent[path].append(took * 1000)
    return statistics.median(spent[early]), statistics.median(spent[late])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/retention/run", description=__doc__)
    parser.add_argument("--schedule", choices=sorted(SCHEDULES), default="specification")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--processes", type=int, default=100, help="collections that are measured")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--keep", action="store_true", help="leave the databases there")
    parser.add_argument("--most-mb", type=float, default=120, help="fail if the file was ever larger")
    parser.add_argument("--most-ratio", type=float, default=1.2, help="fail if a collection costs more")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
