"""What the jobs must have done again when a machine has been on for so long."""

from __future__ import annotations

from typing import Any, NamedTuple

from belabox_metrics import journal

from ..vm.machine import BOOT_S, Power, pace

# What is collected more seldom is not asked for: few machines are on for so long.
_OFTEN_S = 60.0
# How much later than its timer says a job may be done, by what jobs cost in such a machine.
_LATE_S = {"": 10.0, "slow": 20.0, "slower": 90.0}
# An upload, which is nice, that many seconds more: it has its turn when the collections have had theirs.
_NICE_S = 20.0
_UPLOAD_TIMER = "/etc/systemd/system/belabox-metrics-upload.timer"
# As the jobs: a -shm that root had made would shut them out.
_INTERVALS = """
import sqlite3
connection = sqlite3.connect("file:/var/lib/belabox-metrics/metrics.db?mode=ro", uri=True)
for row in connection.execute("SELECT substr(section, 9), value FROM settings WHERE key = 'interval_ms'"
                              " AND section LIKE 'metrics/%'"):
    print(*row)
"""


class Schedule(NamedTuple):
    """`metrics`: seconds from one collection to the next; `upload_s`: when the timer sends first, after the boot."""

    metrics: dict[str, float]
    upload_s: float


class Resumption(NamedTuple):
    """Seconds after the power came: the first collection, the first upload, None where there was none. `due`: how many
    metrics, and whether an upload, must have been done by then; `faults`: what was not."""

    collecting_s: float | None
    sent_s: float | None
    due: int
    upload_due: bool
    faults: list[str]


def schedule_of(power: Power) -> Schedule:
    """What has a timer there, and is due at least once a minute."""
    listed = power.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "belabox-metrics@*.timer")
    names = {line.split()[0].partition("@")[2].removesuffix(".timer") for line in listed.splitlines() if line}
    said = power.run("runuser", "-u", "metrics", "--", "/usr/bin/python3", "-I", "-c", _INTERVALS)
    every = {name: int(value) / 1000 for name, value in (line.split() for line in said.splitlines())}
    first = power.run("sed", "-n", "s/^OnBootSec=//p", _UPLOAD_TIMER).strip()
    often = {name: every[name] for name in sorted(names & every.keys()) if every[name] <= _OFTEN_S}
    if not often:
        raise AssertionError(f"nothing is collected each minute: {listed}")
    return Schedule(often, float(first[:-2]) / 1000 if first.endswith("ms") else float(first[:-1]))


def resumed(
    records: list[dict[str, Any]], accepted: list[float], began: float, cut: float, schedule: Schedule
) -> Resumption:
    """`records` of a machine that was on from `began` to `cut`; `accepted`: when the server has accepted something,
    in Unix time."""
    first: dict[str, float] = {}
    collected: dict[str, float] = {}
    for record in records:
        at = int(record["__REALTIME_TIMESTAMP"]) / 1e6 - began
        first.setdefault(str(record.get("MESSAGE_ID")), at)
        if record.get("MESSAGE_ID") == journal.COLLECTED:
            collected.setdefault(record["BELABOX_METRIC"], at)
    collecting = first.get(journal.COLLECTED)
    # Not when the uploader said so: it may have been cut off before, and what it sends first may take it a while.
    sent = next((at - began for at in sorted(accepted) if began <= at <= cut), None)
    up_s = cut - began
    late = _LATE_S["".join(pace())]
    due: list[str] = []
    faults = []
    if collecting is not None:
        due = [name for name, every in schedule.metrics.items() if up_s > collecting + every + late]
    elif up_s > BOOT_S:
        faults.append(f"nothing was collected in {up_s:.0f} s")
    upload_due = collecting is not None and up_s > schedule.upload_s + late + _NICE_S
    faults += [f"not collected in {up_s:.0f} s: {name}" for name in due if name not in collected]
    if upload_due and sent is None:
        faults.append(f"nothing was sent in {up_s:.0f} s")
    return Resumption(_rounded(collecting), _rounded(sent), len(due), upload_due, faults)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
