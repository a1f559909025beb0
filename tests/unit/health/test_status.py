"""What `status` says of each metric: it has values, has none, fails, is late, is off; and of alerts."""

from __future__ import annotations

import json

import pytest

from belabox_metrics import clock, status
from belabox_metrics.store import runs

from .conftest import Box, Rows, settings

METRICS = {
    "cpu.usage": 10_000,
    "pressure": 60_000,
    "hdmi.input": 10_000,
    "srt.relay": 5_000,
    "modem": 30_000,
    "gps": 30_000,
}


@pytest.fixture
def known(box: Box, monkeypatch: pytest.MonkeyPatch) -> Box:
    """An hour of a box: one of each kind, and `power` that nobody asked for."""
    off: Rows = {("metrics/power", "scheduled"): 0, ("metrics/power", "reason"): "enabled is false"}
    box.configure(settings(intervals=METRICS, more=off))
    box.run("collect", "modem", 3)
    box.run("collect", "srt.relay", 3)
    box.moment = clock.Moment(box.moment.wall_ms + 600_000, box.moment.boottime_ms + 600_000, "boot-a", True)
    box.run("collect", "cpu.usage", 4)
    box.run("collect", "pressure", 0)
    box.run("collect", "hdmi.input", outcome=runs.NO_DATA, error="this board has no HDMI input")
    box.run("collect", "srt.relay", outcome=runs.FAILED, error="relay: connection refused")
    monkeypatch.setattr(clock, "now", lambda: box.moment)
    return box


def said(box: Box, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert status.main([*arguments, "--database", box.store.path]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("metric", "state", "why"),
    [
        ("cpu.usage", "ok", "n{0} 0, n{1} 1 and 2 more"),
        ("pressure", "ok", "no value yet: some need two runs"),
        ("hdmi.input", "absent", "this board has no HDMI input"),
        ("srt.relay", "failing", "relay: connection refused"),
        ("modem", "late", "not collected for 10 min, due every 30 s"),
        ("gps", "late", "not collected for 10 min since the start, due every 30 s"),
        ("power", "off", "enabled is false"),
    ],
)
def test_each_metric_has_a_state_and_a_reason(
    known: Box, capsys: pytest.CaptureFixture[str], metric: str, state: str, why: str
) -> None:
    lines = {line.split()[0]: line for line in said(known, capsys).splitlines() if line}
    assert lines[metric].split()[1] == state
    assert lines[metric].endswith(why)
    assert json.loads(said(known, capsys, "--json"))["states"][metric] == state


def test_ages_are_in_whole_seconds(known: Box, capsys: pytest.CaptureFixture[str]) -> None:
    now = known.moment
    known.moment = clock.Moment(now.wall_ms + 7_637, now.boottime_ms + 7_637, now.boot_id, True)
    lines = {line.split()[0]: line.split() for line in said(known, capsys).splitlines() if line}
    assert lines["cpu.usage"][2:4] == ["7", "s"]


def test_after_a_boot_nothing_is_known_of_a_metric_until_it_has_run(
    known: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    known.moment = clock.Moment(known.moment.wall_ms + 60_000, 20_000, "boot-b", True)
    states = json.loads(said(known, capsys, "--json"))["states"]
    assert {states[metric] for metric in METRICS} == {"absent"}
    assert "waiting for the first sample" in said(known, capsys)


def test_an_alert_that_is_on_stands_above_all(known: Box, capsys: pytest.CaptureFixture[str]) -> None:
    began = known.moment.wall_ms - 90_000
    memory = f"hot {began} 3500000 1 boot-a\nsoon {began} 3500000 0 boot-a"
    with known.store.writing() as connection:
        runs.remember_alerts(connection, "cpu.usage", memory)
    assert said(known, capsys).splitlines()[1] == "alert  hot of cpu.usage, for 90 s"
    raised = json.loads(said(known, capsys, "--json"))["alerts_raised"]
    assert raised == [{"alert": "hot", "metric": "cpu.usage", "since_ms": began}]
