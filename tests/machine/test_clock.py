"""The comparison of clocks by its unit, in its sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .machine import Machine, booted

pytestmark = pytest.mark.machine

CLOCK = "belabox-metrics-clock.service"
MARK = "/run/belabox-metrics/clock-synchronized"


@pytest.fixture(scope="module")
def own(machine_name: str) -> Iterator[Machine]:
    with booted(f"{machine_name}-clock") as machine:
        machine.run("/src/install.sh", "--remote", "http://127.0.0.1:8428/api/v1/import", timeout=300)
        yield machine


def test_the_timer_runs_it_and_the_record_has_both_sides(own: Machine) -> None:
    assert "belabox-metrics-clock.timer" in own.systemctl("list-timers", "--all", "--no-legend")

    def told() -> list[dict[str, Any]]:
        """Once journald has asked about who sent it before he was gone."""
        own.systemctl("start", CLOCK)
        return own.journal("BELABOX_JOB=clock", f"_SYSTEMD_UNIT={CLOCK}")

    record = own.wait_until(told)[-1]
    assert record["BELABOX_ENDPOINT"] == "http://127.0.0.1:8428/health"
    assert record["BELABOX_HTTP_STATUS"] == "200"
    rows = own.sql("SELECT metric_name AS name, metric_value AS value FROM metrics WHERE metric_name LIKE 'time.skew%'")
    values = {row["name"]: row["value"] for row in rows}
    # The server has the same clock.
    assert abs(values["time.skew_ms"]) <= values["time.skew_error_ms"]
    assert '"skew_ms"' in own.http_get("/health").body


def test_the_sandbox_lets_it_ask_who_keeps_the_clock(own: Machine) -> None:
    """And nothing is marked while the answer is no."""
    drop_in = f"/run/systemd/system/{CLOCK}.d"
    own.run("mkdir", "-p", drop_in)
    own.run(
        "tee", f"{drop_in}/ask.conf", input="[Service]\nExecStart=\nExecStart=timedatectl show -p NTPSynchronized\n"
    )
    own.systemctl("daemon-reload")
    own.systemctl("start", CLOCK)
    said = [record["MESSAGE"] for record in own.journal(f"_SYSTEMD_UNIT={CLOCK}")]
    own.run("rm", "-r", drop_in)
    own.systemctl("daemon-reload")
    answer = own.run("timedatectl", "show", "-p", "NTPSynchronized").stdout.strip()
    assert said[-1] == answer
    assert own.run("test", "-e", MARK, check=False).returncode == (0 if answer.endswith("yes") else 1)


def test_once_somebody_keeps_the_clock_all_jobs_know(own: Machine) -> None:
    own.run("mv", "/usr/bin/timedatectl", "/usr/bin/timedatectl.real")
    own.run("tee", "/usr/bin/timedatectl", input="#!/bin/sh\necho yes\n")
    own.run("chmod", "755", "/usr/bin/timedatectl")
    own.systemctl("start", CLOCK)
    own.run("mv", "/usr/bin/timedatectl.real", "/usr/bin/timedatectl")
    assert own.run("stat", "--format=%U", MARK).stdout == "metrics\n"
    own.systemctl("start", "belabox-metrics@memory.usage.service")
    query = "SELECT synchronized FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = 'memory.usage'"
    assert own.sql(f"{query} ORDER BY runs.id DESC LIMIT 1") == [{"synchronized": 1}]
    # A report is good for a second: this may still be the one that was made before.
    own.wait_until(lambda: json.loads(own.http_get("/health").body)["components"]["time"]["details"]["ntp_synced"])
