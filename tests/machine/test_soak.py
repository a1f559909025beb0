"""The schedule of the specification, kept over time: no sample missed or doubled, every record accounted for.

`BELABOX_METRICS_SOAK_SECONDS=600 tests/run tests/machine/test_soak.py` is the ten minutes of the documentation.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from statistics import median
from typing import Any

import pytest
from tests.pressure import Pressure, Waits

from .machine import Machine, booted
from .specification import INTERVALS

pytestmark = pytest.mark.machine

SECONDS = int(os.environ.get("BELABOX_METRICS_SOAK_SECONDS", "65"))
RUNS = """
SELECT jobs.job, metric, runs.id - lead_ms AS timestamp_ms, boottime_ms, outcome, runs.error
FROM runs JOIN jobs ON jobs.id = runs.job
WHERE boottime_ms BETWEEN {first} AND {last} ORDER BY runs.id
"""


@pytest.fixture(scope="module")
def live(machine_name: str) -> Iterator[Machine]:
    """A machine with a relay to ask and a server to send to, and nothing else going on."""
    with booted(f"{machine_name}-soak") as machine:
        machine.run("systemd-run", "--quiet", "--unit=relay", "/usr/bin/python3", "/src/tests/machine/relay.py")
        machine.run("/src/install.sh", "--remote", "http://127.0.0.1:8428/api/v1/import", timeout=300)
        url = "http://127.0.0.1:8181/stats?publisher=publish/live/feed1"
        source = f"/name: srt.packet_loss/a\\    config: {{url: '{url}'}}"
        machine.run("sed", "-i", source, "/etc/belabox-metrics/config.yaml")
        machine.wait_until(
            lambda: machine.sql("SELECT 1 FROM jobs WHERE metric = 'srt.packet_loss' AND samples_total > 0")
        )
        # One metric more moves the others' moments: what applies that has started all timers anew by its end.
        apply = "belabox-metrics-apply.service"
        machine.wait_until(lambda: machine.systemctl("show", "-P", "ActiveState", apply) == "inactive")
        yield machine


def boottime_ms(machine: Machine) -> int:
    return int(machine.run("cat", "/proc/uptime").stdout.split(".")[0]) * 1000


def test_the_schedule_is_kept(live: Machine) -> None:
    pressure = Pressure(live.pid)
    first = boottime_ms(live)
    start = time.monotonic()
    # A reload in the middle: it must neither double nor skip a sample.
    time.sleep(SECONDS / 2)
    live.systemctl("daemon-reload")
    time.sleep(start + SECONDS - time.monotonic())
    last = boottime_ms(live)
    # What was started before the end has been written by now.
    time.sleep(1)
    pressure.close()
    runs = live.sql(RUNS.format(first=first, last=last))
    assert {(run["job"], run["metric"]) for run in runs} >= {("collect", metric) for metric in INTERVALS}
    assert [run for run in runs if run["outcome"] == 2] == []
    for metric, interval in INTERVALS.items():
        stamps = [run["timestamp_ms"] for run in runs if run["metric"] == metric]
        check_cadence(stamps, interval * 1000, metric, pressure)
    assert live.systemctl("--failed", "--no-legend") == ""
    check_records(live, first, last, runs)


def check_cadence(stamps: list[int], interval_ms: int, metric: str, waits: Waits) -> None:
    """None missed, none doubled, and the period right to one in a thousand and the jitter of two starts. What waited
    for the host comes late, and the next one the sooner."""
    gaps = [later - earlier for earlier, later in zip(stamps, stamps[1:])]
    waited = [waits.between((at - interval_ms) / 1000, (at + gap) / 1000) * 1000 for at, gap in zip(stamps, gaps)]
    left_out = sum(max(0, round(gap / interval_ms) - 1) for gap in gaps)
    assert len(stamps) + left_out >= SECONDS * 1000 // interval_ms - 1, metric
    for gap, held_up in zip(gaps, waited):
        assert 0.5 * interval_ms - held_up < gap < 1.5 * interval_ms + held_up, (metric, gaps, waited)
    period = median_slope(stamps)
    drift = (period - interval_ms) * len(gaps)
    # Of two or three, one start that a busy machine delayed can't be told from a period that is wrong.
    assert len(stamps) < 4 or abs(drift) <= 0.001 * interval_ms * len(gaps) + 250, (metric, drift, gaps)
    print(f"{metric}: {len(stamps)} runs, period {period:.1f} ms, gaps {min(gaps)} to {max(gaps)}")


def median_slope(stamps: list[int]) -> float:
    """Milliseconds from one to the next, as most pairs have it (Theil and Sen): one late start does not move it."""
    pairs = combinations(enumerate(stamps), 2)
    return median((later - earlier) / (after - before) for (before, earlier), (after, later) in pairs)


def check_records(machine: Machine, first: int, last: int, runs: list[dict[str, Any]]) -> None:
    """One record for each run that has something to say, and no other record of any of our units."""
    ours = [
        record
        for record in machine.journal("SYSLOG_IDENTIFIER=belabox-metrics", "+", "_SYSTEMD_SLICE=belabox-metrics.slice")
        if first <= int(record["__MONOTONIC_TIMESTAMP"]) // 1000 <= last
    ]
    assert [record["MESSAGE"] for record in ours if "MESSAGE_ID" not in record] == []
    of_runs = Counter(run["metric"] for run in runs if run["job"] == "collect")
    of_records = Counter(record["BELABOX_METRIC"] for record in ours if record["BELABOX_JOB"] == "collect")
    for metric in INTERVALS:
        # A run at the very edge may have its record on the other side.
        assert abs(of_runs[metric] - of_records[metric]) <= 1, metric
    jobs = {record["BELABOX_JOB"] for record in ours}
    assert jobs <= {"collect", "upload", "maintain", "health", "apply", "clock"}
    manager = machine.journal("_PID=1")
    about_us = [
        record["MESSAGE"]
        for record in manager
        if record.get("UNIT", "").startswith("belabox-metrics@")
        and first <= int(record["__MONOTONIC_TIMESTAMP"]) // 1000 <= last
    ]
    assert about_us == []
