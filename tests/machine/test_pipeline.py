"""The main job on a booted system: timers, records, health, configuration, as a person finds them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from belabox_metrics.config import configuration
from belabox_metrics.schedule.units import quoted

from .machine import Machine

pytestmark = pytest.mark.machine

CONFIG = "/etc/belabox-metrics/config.yaml"
DEFAULTS = "/etc/default/belabox-metrics"
SYNC, SYNC_TIMER = "belabox-metrics-sync.service", "belabox-metrics-sync.timer"
SHIPPED = Path(__file__).parents[2] / "configs/config.yaml"
# Those that are switched on; without a source srt.packet_loss has no timer.
EVERY = "SELECT value FROM settings WHERE section = 'remote' AND key = 'upload_interval_ms'"
METRICS = sorted(metric.name for metric in configuration.load(str(SHIPPED)).metrics if metric.scheduled)


def timers(machine: Machine) -> list[str]:
    listed = machine.systemctl("list-timers", "--all", "--no-legend", "belabox-metrics@*")
    return sorted(re.findall(r"belabox-metrics@([\w.]+)\.timer", listed))


def first_values(machine: Machine, metric: str) -> list[dict[str, Any]]:
    """The samples of the metric's last run, once there are any."""
    query = f"""
        SELECT name, value.value, nullif(tags, '') AS tags, runs.id - lead_ms AS timestamp_ms
        FROM jobs JOIN runs ON runs.id = jobs.values_run JOIN json_each(packed) AS value
        JOIN series ON series.shape = runs.shape AND position = value.key WHERE metric = '{metric}'
    """
    return machine.wait_until(lambda: machine.sql(query), f"no sample of {metric}")


def collected(machine: Machine, metric: str) -> dict[str, float]:
    """One collection now, by the real unit: series to value."""
    machine.systemctl("start", f"belabox-metrics@{metric}.service")
    return {row["name"] + (row["tags"] or ""): row["value"] for row in first_values(machine, metric)}


def test_there_is_one_timer_for_each_metric(machine: Machine) -> None:
    assert timers(machine) == METRICS
    status = machine.run("belabox-metrics", "status").stdout
    assert re.search(r"srt\.packet_loss +off .*neither url nor file", status)


@pytest.mark.parametrize("metric", ["cpu.usage", "memory.usage", "disk.io", "network.traffic"])
def test_a_collection_is_stored_and_recorded_with_the_fields_of_the_contract(machine: Machine, metric: str) -> None:
    samples = first_values(machine, metric)
    assert samples
    records = machine.journal(f"BELABOX_METRIC={metric}", "BELABOX_JOB=collect")
    record = records[-1]
    assert int(record["BELABOX_COUNT"]) >= 0
    assert float(record["BELABOX_DURATION_MS"]) > 0
    assert record["BELABOX_SESSION_ID"] == ""
    # journald asks the kernel about who sent it, and a job may be gone by then: of some records it does not know.
    unit = f"belabox-metrics@{metric}.service"
    assert machine.wait_until(lambda: machine.journal(f"BELABOX_METRIC={metric}", f"_SYSTEMD_UNIT={unit}"))
    assert {known.get("_SYSTEMD_UNIT", unit) for known in records} == {unit}
    assert len(record["MESSAGE_ID"]) == 32
    explained = machine.run("journalctl", "-x", "--no-pager", "-n1", f"BELABOX_METRIC={metric}", "BELABOX_JOB=collect")
    assert f"{metric} was read" in explained.stdout


def test_the_documented_query_answers(machine: Machine) -> None:
    first_values(machine, "memory.usage")
    rows = machine.sql("SELECT metric_name, metric_value FROM metrics ORDER BY timestamp_ms DESC LIMIT 10")
    assert len(rows) == 10
    shown = machine.run("belabox-metrics", "query", "memory.usage", "--since", "5m", "--json").stdout
    assert json.loads(shown.splitlines()[0])["name"] == "memory.used_bytes"


def test_memory_agrees_with_free(machine: Machine) -> None:
    values = collected(machine, "memory.usage")
    free = machine.run("free", "-b").stdout.splitlines()
    total, available = int(free[1].split()[1]), int(free[1].split()[6])
    assert values["memory.total_bytes"] == total
    assert values["memory.available_bytes"] == pytest.approx(available, rel=0.05)
    assert values["memory.used_bytes"] + values["memory.available_bytes"] == total
    assert values["memory.swap_total_bytes"] == int(free[2].split()[1])


def test_disks_agree_with_the_kernel(machine: Machine) -> None:
    values = collected(machine, "disk.io")
    disks = [line.split() for line in machine.run("cat", "/proc/diskstats").stdout.splitlines()]
    whole = {fields[2]: fields for fields in disks if re.fullmatch(r"(vd|sd)[a-z]+|nvme\d+n\d+|mmcblk\d+", fields[2])}
    assert {json.loads(key[key.index("{") :])["device"] for key in values} == set(whole)
    for device, fields in whole.items():
        tags = f'{{"device":"{device}"}}'
        # The counters go on between the two readings.
        assert values[f"disk.read_ops_total{tags}"] <= int(fields[3])
        assert values[f"disk.read_bytes_total{tags}"] == pytest.approx(int(fields[5]) * 512, rel=0.01)
        assert values[f"disk.write_bytes_total{tags}"] == pytest.approx(int(fields[9]) * 512, rel=0.01)


def test_interfaces_agree_with_ip(machine: Machine) -> None:
    values = collected(machine, "network.traffic")
    links = json.loads(machine.run("ip", "-s", "-j", "link").stdout)
    seen = {json.loads(key[key.index("{") :])["interface"] for key in values if "{" in key}
    assert seen == {link["ifname"] for link in links} - {"lo"}
    for link in links:
        if link["ifname"] in seen:
            tags = f'{{"interface":"{link["ifname"]}"}}'
            assert values[f"network.rx_bytes_total{tags}"] == pytest.approx(link["stats64"]["rx"]["bytes"], rel=0.2)
            assert values[f"network.tx_packets_total{tags}"] <= link["stats64"]["tx"]["packets"]


def test_cpu_usage_agrees_with_mpstat(machine: Machine) -> None:
    machine.systemctl("stop", "belabox-metrics@cpu.usage.timer")
    try:
        collected(machine, "cpu.usage")
        said = machine.run("env", "LC_ALL=C", "mpstat", "-o", "JSON", "3", "1").stdout
        values = collected(machine, "cpu.usage")
    finally:
        machine.systemctl("start", "belabox-metrics@cpu.usage.timer")
    load = json.loads(said)["sysstat"]["hosts"][0]["statistics"][0]["cpu-load"][0]
    busy = 100 - load["idle"] - load["iowait"]
    # Ours spans the start of two units besides.
    assert values['cpu.usage_percent{"core":"all"}'] == pytest.approx(busy, abs=20)


def test_health_starts_on_demand_and_leaves_when_idle(machine: Machine) -> None:
    machine.wait_until(
        lambda: machine.systemctl("is-active", "belabox-metrics-health.service", check=False) == "inactive"
    )
    first_values(machine, "network.traffic")
    response = machine.http_get("/health")
    report = json.loads(response.body)
    assert machine.systemctl("is-active", "belabox-metrics-health.service") == "active"
    assert response.status == 200, report
    assert set(report["components"]) == {f"collector.{metric}" for metric in METRICS} | {"uploader", "storage", "time"}
    details = report["components"]["collector.memory.usage"]["details"]
    assert details["metrics_collected"] > 0
    assert details["last_error"] is None
    assert machine.http_get("/health/live").status == 200
    machine.wait_until(
        lambda: machine.systemctl("is-active", "belabox-metrics-health.service", check=False) == "inactive"
    )
    assert machine.systemctl("show", "-P", "Result", "belabox-metrics-health.service") == "success"


def test_a_job_that_silently_stopped_is_found_out(machine: Machine) -> None:
    first_values(machine, "network.traffic")
    machine.systemctl("stop", "belabox-metrics@network.traffic.timer")
    try:
        found = machine.wait_until(
            lambda: (
                json.loads(machine.http_get("/health").body)["components"]["collector.network.traffic"]["status"]
                == "error"
            ),
        )
        assert found
        report = json.loads(machine.http_get("/health").body)
        assert report["status"] == "degraded"
        assert "not collected for" in report["components"]["collector.network.traffic"]["message"]
        assert machine.http_get("/health/ready").status == 503
    finally:
        machine.systemctl("start", "belabox-metrics@network.traffic.timer")


def edit(machine: Machine, old: str, new: str) -> None:
    machine.run("sed", "-i", f"s|{old}|{new}|", CONFIG)


def test_editing_the_configuration_is_enough(machine: Machine) -> None:
    before = machine.systemctl("show", "-P", "ActiveEnterTimestampMonotonic", "belabox-metrics@cpu.usage.timer")
    machine.run("cp", "-p", CONFIG, "/root/config.kept")
    try:
        edit(machine, "- name: disk.io", "- name: disk.io\\n    priority: 3")
        machine.run("sed", "-i", "/name: memory.usage/,/enabled:/s/enabled: true/enabled: false/", CONFIG)
        machine.wait_until(lambda: "memory.usage" not in timers(machine), "the timer is still there")
        priority = "SELECT value FROM settings WHERE section = 'metrics/disk.io' AND key = 'priority'"
        machine.wait_until(lambda: machine.sql(priority) == [{"value": 3}])
    finally:
        machine.run("cp", "-p", "/root/config.kept", CONFIG)
    machine.wait_until(lambda: timers(machine) == METRICS, "the timer is not back")
    # What did not change was left alone.
    after = machine.systemctl("show", "-P", "ActiveEnterTimestampMonotonic", "belabox-metrics@cpu.usage.timer")
    assert after == before


@pytest.mark.parametrize("moment", ["ExecStartPost", "ExecStopPost"])
def test_what_is_saved_while_it_is_applied_is_applied_too(machine: Machine, moment: str) -> None:
    """Also in the last moment, when apply has looked at the files: systemd looks at them again when the job is over."""
    script, drop_in = "/run/save-late", "/run/systemd/system/belabox-metrics-apply.service.d/late.conf"
    once = f"mkdir /run/saved-late && sed -i 's/upload_interval: .*/upload_interval: 47s/' {CONFIG}"
    machine.run("cp", "-p", CONFIG, "/root/config.kept")
    try:
        machine.run("tee", script, input=once)
        machine.run("mkdir", "-p", str(Path(drop_in).parent))
        machine.run("tee", drop_in, input=f"[Service]\n{moment}=-+/bin/sh {script}\n")
        machine.systemctl("daemon-reload")
        edit(machine, "- name: disk.io", "- name: disk.io\\n    priority: 3")
        machine.wait_until(lambda: machine.sql(EVERY) == [{"value": 47_000}], "saved late, and lost")
    finally:
        machine.run("rm", "-rf", script, str(Path(drop_in).parent), "/run/saved-late")
        machine.systemctl("daemon-reload")
        machine.run("cp", "-p", "/root/config.kept", CONFIG)
    machine.wait_until(lambda: machine.sql(EVERY) == [{"value": 30_000}])


def test_what_differs_on_a_box_may_stand_in_a_file_of_its_own(machine: Machine) -> None:
    machine.run("tee", DEFAULTS, input="BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL=45s\n")
    try:
        machine.wait_until(lambda: machine.sql(EVERY) == [{"value": 45_000}])
        machine.run("tee", DEFAULTS, input="BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL=45\n")
        machine.wait_until(
            lambda: machine.systemctl("is-failed", "belabox-metrics-apply.service", check=False) == "failed"
        )
        (*_, record) = machine.journal("BELABOX_JOB=apply", "_SYSTEMD_UNIT=belabox-metrics-apply.service")
        assert record["BELABOX_ERROR"].startswith(f"{DEFAULTS}:1: BELABOX_METRICS_REMOTE_UPLOAD_INTERVAL: ")
        assert machine.sql(EVERY) == [{"value": 45_000}]
    finally:
        machine.run("rm", DEFAULTS)
    machine.wait_until(lambda: machine.sql(EVERY) == [{"value": 30_000}])


def test_a_mistake_changes_nothing_and_is_told_by_line(machine: Machine) -> None:
    machine.run("cp", "-p", CONFIG, "/root/config.kept")
    line = int(machine.run("grep", "-n", "name: cpu.usage", CONFIG).stdout.split(":")[0]) + 1
    try:
        machine.run("sed", "-i", f"{line}s/interval: .*/interval: 10/", CONFIG)
        machine.wait_until(
            lambda: machine.systemctl("is-failed", "belabox-metrics-apply.service", check=False) == "failed"
        )
        (*_, record) = machine.journal("BELABOX_JOB=apply", "_SYSTEMD_UNIT=belabox-metrics-apply.service")
        assert f"{CONFIG}:{line}" in record["BELABOX_ERROR"]
        assert "write 10s" in record["BELABOX_ERROR"]
        assert timers(machine) == METRICS
        checked = machine.run("belabox-metrics", "check", check=False)
        assert (checked.returncode, f"{CONFIG}:{line}" in checked.stderr) == (78, True)
    finally:
        machine.run("cp", "-p", "/root/config.kept", CONFIG)
    machine.wait_until(lambda: machine.systemctl("is-failed", "belabox-metrics-apply.service", check=False) != "failed")


def test_the_target_stops_and_starts_everything(machine: Machine) -> None:
    machine.systemctl("stop", "belabox-metrics.target")
    of_ours = ("--no-legend", "--state=active", "belabox-metrics*.timer", "belabox-metrics*.socket")
    # The responder may have a request to finish before its socket goes.
    machine.wait_until(lambda: machine.systemctl("list-units", *of_ours) == "", "something still runs")
    machine.systemctl("start", "belabox-metrics.target")
    machine.wait_until(lambda: timers(machine) == METRICS)
    assert machine.systemctl("is-active", "belabox-metrics-health.socket", SYNC_TIMER) == "active\nactive"


def test_the_disk_is_asked_to_write_what_was_stored(machine: Machine) -> None:
    """In the sandbox of the unit. What it is good for: tests/faults/powercut."""
    machine.systemctl("stop", SYNC_TIMER)
    # As in an upgrade from a version that has none: the target is active already.
    machine.systemctl("start", "belabox-metrics.target")
    assert machine.systemctl("is-active", SYNC_TIMER) == "active"
    machine.systemctl("start", SYNC)
    since = machine.run("date", "+%s.%N").stdout.strip()
    database = "/run/belabox metrics '%.db"
    drop_in = f"/run/systemd/system/{SYNC}.d"
    machine.run("mkfifo", f"{database}-wal")
    machine.run("chmod", "644", f"{database}-wal")
    machine.run("mkdir", "-p", drop_in)
    text = f"[Service]\nEnvironment={quoted(f'BELABOX_METRICS_DATABASE={database}')}\n"
    machine.run("tee", f"{drop_in}/elsewhere.conf", input=text)
    try:
        machine.systemctl("daemon-reload")
        # A pipe is nothing that can be synced.
        assert machine.run("systemctl", "start", SYNC, check=False).returncode == 1
        machine.wait_until(lambda: machine.journal("BELABOX_JOB=failed", f"BELABOX_UNIT={SYNC}", f"--since=@{since}"))
        said = [record["MESSAGE"] for record in machine.journal(f"_SYSTEMD_UNIT={SYNC}", f"--since=@{since}")]
        assert any(f"{database}-wal" in line for line in said), said
    finally:
        machine.run("rm", "-r", drop_in, f"{database}-wal")
        machine.systemctl("daemon-reload")
        machine.systemctl("reset-failed", SYNC)


def test_what_is_saved_while_everything_is_stopped_is_applied_at_the_start(machine: Machine) -> None:
    priority = "SELECT value FROM settings WHERE section = 'metrics/disk.io' AND key = 'priority'"
    before = machine.sql(priority)
    machine.run("cp", "-p", CONFIG, "/root/config.kept")
    machine.systemctl("stop", "belabox-metrics.target")
    try:
        edit(machine, "- name: disk.io", "- name: disk.io\\n    priority: 3")
        machine.systemctl("start", "belabox-metrics.target")
        machine.wait_until(lambda: machine.sql(priority) == [{"value": 3}], "it was not applied")
    finally:
        machine.run("cp", "-p", "/root/config.kept", CONFIG)
    machine.wait_until(lambda: machine.sql(priority) == before)
    # Once more, with nothing to do.
    machine.systemctl("start", "belabox-metrics-apply.service")
    told = len(machine.journal("BELABOX_JOB=apply"))
    machine.systemctl("restart", "belabox-metrics.target")
    machine.systemctl("start", "belabox-metrics-apply.service")
    assert len(machine.journal("BELABOX_JOB=apply")) == told


def test_a_collector_that_hangs_is_stopped_recorded_and_started_again(machine: Machine) -> None:
    unit = "belabox-metrics@memory.usage.service"
    machine.run("mkdir", "-p", f"/run/systemd/system/{unit}.d")
    hang = "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nTimeoutStartSec=1s\n"
    machine.run("tee", f"/run/systemd/system/{unit}.d/90-hang.conf", input=hang)
    machine.systemctl("daemon-reload")
    try:
        machine.systemctl("start", unit, check=False)
        records = machine.wait_until(lambda: machine.journal("BELABOX_JOB=failed", f"BELABOX_UNIT={unit}"))
        assert "took too long" in records[-1]["MESSAGE"]
        error = "SELECT last_error FROM jobs WHERE metric = 'memory.usage' AND failures > 0"
        assert machine.wait_until(lambda: machine.sql(error))[0]["last_error"] == "took too long and was stopped"
    finally:
        machine.run("rm", "-r", f"/run/systemd/system/{unit}.d")
        machine.systemctl("daemon-reload")
        machine.systemctl("reset-failed")
    collected(machine, "memory.usage")
    assert machine.sql("SELECT failures FROM jobs WHERE metric = 'memory.usage'") == [{"failures": 0}]
