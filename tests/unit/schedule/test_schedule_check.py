from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from belabox_metrics import clock
from belabox_metrics.config.configuration import load
from belabox_metrics.sample import Sample
from belabox_metrics.schedule import check, doubts
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store

if TYPE_CHECKING:
    from belabox_metrics.config.configuration import Configuration

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
    assert "*:00/3:13.8/45 UTC and 2 more" in said


def test_a_file_of_settings_is_tried_before_it_is_on_any_box(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, settings = tmp_path / "config.yaml", tmp_path / "fleet.env"
    path.write_text("device: {id: x}\nmetrics: []\n")
    settings.write_text("BELABOX_METRICS_REMOTE_URL=http://vm.example/api/v1/import\n")
    assert check.main([str(path), "--settings", str(settings)]) == 0
    assert "sends to vm.example" in capsys.readouterr().out
    settings.write_text("# all\nBELABOX_METRICS_REMOTE_TIMEOUT=5\n")
    assert check.main([str(path), "--settings", str(settings)]) == 78
    assert f"{settings}:2: BELABOX_METRICS_REMOTE_TIMEOUT" in capsys.readouterr().err


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


DOUBTED = """\
device: {id: x}
remote: {url: "http://server/api/v1/import", enabled: true}
metrics: [{name: cpu.usage, interval: 10s}]
alerts:
  mine: {metric: cpu.usage, series: cpu.usage_procent, above: 5}
  right: {metric: cpu.usage, series: cpu.usage_percent, above: 5}
  off: {metric: cpu.usage, series: cpu.no_such, above: 5, enabled: false}
  unknown: {metric: memory.usage, series: memory.no_such, above: 5}
"""


@pytest.fixture
def doubted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """With a database in which cpu.usage was collected, and memory.usage was not yet."""
    monkeypatch.setenv("BELABOX_METRICS_DATABASE", str(tmp_path / "metrics.db"))
    with Store(str(tmp_path / "metrics.db")).writing() as connection:
        samples = [Sample("cpu.usage_percent", 1.0, {"core": "all"})]
        runs.add(connection, runs.Run("collect", clock.now(), metric="cpu.usage", samples=samples))
    path = tmp_path / "config.yaml"
    path.write_text(DOUBTED)
    return load(str(path))


def test_an_alert_on_what_a_metric_does_not_have_is_doubted(doubted: Configuration, tmp_path: Path) -> None:
    found = doubts.of(doubted, str(tmp_path / "metrics.db"), str(tmp_path / "no-token"))
    (doubt,) = found
    assert doubt.where == "alerts.mine.series"
    assert doubt.what == "cpu.usage has never had a series cpu.usage_procent: such an alert is not raised"
    assert doubt.hint == "did you mean cpu.usage_percent?"


@pytest.mark.parametrize(
    ("token", "auth", "told"),
    [("secret", "", True), ("", "", False), (None, "", False), ("secret", ", auth: {type: bearer_token}", False)],
)
def test_a_token_that_is_not_shown_is_doubted(tmp_path: Path, token: str | None, auth: str, told: bool) -> None:
    path, secret = tmp_path / "config.yaml", tmp_path / "api-token"
    path.write_text(f"device: {{id: x}}\nmetrics: []\nremote: {{url: 'http://x/api', enabled: true{auth}}}\n")
    if token is not None:
        secret.write_text(token)
    found = doubts.of(load(str(path)), str(tmp_path / "none.db"), str(secret))
    assert [doubt.where for doubt in found] == (["remote.auth"] if told else [])


@pytest.mark.parametrize(("token", "told"), [("1234", True), ("fifteen letters", True), ("sixteen-letters-", False)])
def test_a_token_of_the_page_that_can_be_guessed_is_doubted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, told: bool
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("device: {id: x}\nmetrics: []\nhealth: {listen: ':9100', token_file: /etc/page-token}\n")
    # As systemd hands it over: nothing of a configuration may lie in /tmp.
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "health-token").write_text(f"{token}\n")
    found = doubts.of(load(str(path)), str(tmp_path / "none.db"), str(tmp_path / "no-token"))
    assert [doubt.where for doubt in found] == (["health.token_file"] if told else [])
    assert token not in str(found)


def test_doubts_are_told_and_nothing_is_refused(
    doubted: Configuration, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "config.yaml"), "--database", str(tmp_path / "metrics.db")]
    assert check.main(words) == 0
    assert "doubtful: alerts.mine.series: " in capsys.readouterr().out
    assert check.main([*words, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["doubts"]) == 1
    assert doubted.alerts


def test_looks_where_the_unit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELABOX_METRICS_CONFIG", str(tmp_path / "none.yaml"))
    assert check.main([]) == 78
