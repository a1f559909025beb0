"""What a collection writes: bytes and syncs by file, counted by strace, and what the journal keeps of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.machine.machine import Machine, booted

from ...machine.specification import INTERVALS
from ..activation import RUNTIME_UNITS
from ..figures import Figure, short, spread
from ..options import Options
from ..processes import METRICS, NAIVE, Installed, fill_naive, relay, traced

DAY = 86_400
SIX_HOURS = 6 * 3600 * 541_800 // 86_400
ROUNDS = 30
RECORDS = 4000


def measure(options: Options) -> list[Figure]:
    return _writes(options) + _journal(options)


def _writes(options: Options) -> list[Figure]:
    naive_wal, naive_syncs, naive_unlinks, naive_bytes = [], [], [], []
    ours: dict[str, list[int]] = {metric: [] for metric in METRICS}
    syncs = 0
    with relay() as port:
        installed = Installed(options.folder("wear"), port)
        log = installed.folder / "trace"
        naive = [*NAIVE, str(installed.folder / "naive.db"), str(installed.config)]
        fill_naive(installed.folder / "naive.db", SIX_HOURS)
        for _ in range(options.turns(ROUNDS)):
            counts = traced(naive, installed.environment, log)
            naive_wal.append(counts.written.get("wal", 0))
            naive_bytes.append(counts.written.get("wal", 0) + counts.written.get("database", 0))
            naive_syncs.append(counts.syncs)
            naive_unlinks.append(counts.unlinks)
            for metric in METRICS:
                counts = traced(installed.collect(metric), installed.environment, log)
                ours[metric].append(counts.written.get("wal", 0) + counts.written.get("database", 0))
                syncs += counts.syncs + counts.unlinks
            installed.tidy()
        samples = _samples_a_run(installed.database)
    of_all = spread([count for counts in ours.values() for count in counts])
    runs = {metric: DAY / seconds for metric, seconds in INTERVALS.items()}
    day_bytes = sum(runs[metric] * spread(ours[metric]).median for metric in METRICS)
    day_samples = sum(runs[metric] * samples[metric] for metric in METRICS)
    beside = f"naive {spread(naive_syncs)} syncs, {spread(naive_unlinks)} deletions"
    return [
        Figure("wear", "syncs and deletions of all collections", syncs, "", beside, 0),
        Figure("wear", "WAL bytes a collection", of_all.median, "bytes", f"{of_all}; naive {spread(naive_wal)}", 9500),
        Figure("wear", "WAL bytes a sample", day_bytes / day_samples, "bytes", f"{short(day_samples)} samples a day"),
        Figure(
            "wear",
            "WAL bytes a day",
            day_bytes / 1e6,
            "MB",
            f"naive {_day_naive(naive_bytes, runs):.0f}, database too, after six hours",
        ),
    ]


def _day_naive(written: list[int], runs: dict[str, float]) -> float:
    return spread(written).median * sum(runs.values()) / 1e6


def _samples_a_run(database: Path) -> dict[str, float]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT metric, CAST(samples_total AS REAL) / runs_total FROM jobs WHERE job = 'collect'"
        )
        return dict(rows.fetchall())


# The record of a collection, written by the product's own module as often as a day's worth of a tenth.
RECORDS_SCRIPT = """
import sys
sys.path.insert(0, "/usr/lib/belabox-metrics/lib")
from belabox_metrics import journal
for number in range({count}):
    journal.record("cpu.usage: 9 samples", message_id=journal.COLLECTED, count=9, job="collect", metric="cpu.usage",
        duration_ms="%.1f" % (2 + number % 17 / 10), session_id="")
"""
UNIT = """
[Service]
Type=oneshot
User=metrics
Group=metrics
LogLevelMax=notice
Slice=belabox-metrics.slice
ExecStart=/usr/bin/python3 -I -S {script}
"""


def _journal(options: Options) -> list[Figure]:
    """How far the journal's file is filled by records; the file itself grows by pieces of megabytes."""
    with booted("bench-wear") as machine:
        machine.run("/src/install.sh", timeout=300)
        machine.systemctl("stop", "belabox-metrics.target")
        _write_records(machine, 1)
        machine.run("journalctl", "--rotate")
        before = _used(machine)
        count = options.turns(5) * RECORDS
        _write_records(machine, count)
        used = _used(machine) - before
    day = sum(DAY / seconds for seconds in INTERVALS.values())
    each = used / count
    return [
        Figure("wear", "journal bytes a record", each, "bytes", f"{count} records into a new file, what it uses"),
        Figure("wear", "journal bytes a day", each * day / 1e6, "MB", f"{short(day)} collections"),
    ]


def _write_records(machine: Machine, count: int) -> None:
    script = "/run/bench-records.py"
    machine.run("tee", script, input=RECORDS_SCRIPT.format(count=count))
    machine.run("tee", f"{RUNTIME_UNITS}/bench-records.service", input=UNIT.format(script=script))
    machine.systemctl("daemon-reload")
    machine.run("systemctl", "start", "bench-records.service", timeout=300)


def _used(machine: Machine) -> int:
    """Where the last object of the file begins: `tail_object_offset` in its header (systemd's JOURNAL_FILE_FORMAT)."""
    machine.run("journalctl", "--sync")
    script = "od -An -t u8 -j 136 -N 8 /*/log/journal/*/system.journal"
    return int(machine.run("sh", "-c", script).stdout)
