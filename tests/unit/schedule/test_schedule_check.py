from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from belabox_metrics.schedule import check

SHIPPED = Path(__file__).parents[3] / "configs" / "config.yaml"


def test_tells_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(SHIPPED)]) == 0
    said = capsys.readouterr().out.split("\n")
    rows = {line.split()[0]: line.split(maxsplit=3)[1:] for line in said[2:] if line}
    timers = len([row for row in rows.values() if not row[2].startswith("none")])
    assert said[0] == f"ok: {timers} of {len(rows)} metrics have a timer, sends nowhere"
    assert rows["cpu.usage"][:2] == ["10s", "2"]
    assert re.fullmatch(r"\*:\*:0[0-9.]+/10 UTC", rows["cpu.usage"][2])
    assert rows["srt.packet_loss"] == ["5s", "1", "none: neither url nor file is configured"]


def test_tells_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(SHIPPED), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    rows = {row["metric"]: row for row in said["metrics"]}
    assert re.fullmatch(r"\*:\*:0[0-9.]+/10 UTC", rows["network.traffic"]["timer"][0])
    assert rows["srt.packet_loss"]["scheduled"] is False


def test_shows_of_a_url_the_host_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("device: {id: x}\nmetrics: []\nremote: {url: 'https://vm.example/api?token=geheim'}\n")
    assert check.main([str(path)]) == 0
    assert capsys.readouterr().out == "ok: 0 of 0 metrics have a timer, sends to vm.example\n"


def test_a_timer_that_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "device: {id: x}\nmetrics:\n - {name: cpu.usage, interval: 7s}\n - {name: disk.io, interval: 45s}\n"
    )
    assert check.main([str(path)]) == 0
    said = capsys.readouterr().out
    assert "20s after boot, then counted" in said
    assert "*:00/3:00/45 UTC and 2 more" in said


def test_tells_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("device: {id: x}\nmetrics: []\nremote: {url: x}\nzzz: 1\n")
    assert check.main([str(path)]) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(": ")[1] for line in said.err.splitlines()] == ["remote.url", "zzz"]
    assert check.main([str(path), "--json"]) == 78
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert len(told["problems"]) == 2


def test_looks_where_the_unit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELABOX_METRICS_CONFIG", str(tmp_path / "none.yaml"))
    assert check.main([]) == 78
