"""The configuration as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from belabox_metrics.config import configuration
from belabox_metrics.config.known import discover
from belabox_metrics.errors import ConfigProblem

if TYPE_CHECKING:
    from belabox_metrics.config.configuration import Configuration

    Load = Callable[[str], Configuration]
    Refused = Callable[[str], list[str]]

SHIPPED = Path(__file__).parents[3] / "configs" / "config.yaml"

MISTAKES = """\
device:
  id: box
  nam: x
storage: 7
remote:
  url: gopher://x
  enabled: true
  upload_interval: 30
  batch_size: 1e3
remote:
  url: http://x
metrics:
  - name: alpha.level
    interval: 0s
  - name: alfa.level
    enabled: 2
"""


def test_all_mistakes_are_told_at_once(refused: Refused) -> None:
    assert refused(MISTAKES) == [
        "3: device.nam: is not a known key (did you mean name?)",
        "4: storage: is not a mapping (its keys belong below it, indented; or remove the line)",
        "6: remote.url: does not begin with http:// or https://",
        "8: remote.upload_interval: 30 has no unit (write 30s for seconds)",
        "9: remote.batch_size: '1e3' is not a whole number",
        "10: remote: is given twice, first in line 5 (remove one)",
        "14: metrics[alpha.level].interval: is less than 1s",
        "15: metrics[alfa.level]: is not a known metric (did you mean alpha.level?)",
        "15: metrics[alfa.level]: has no interval (add interval: 30s)",
        "16: metrics[alfa.level].enabled: '2' is not a boolean (write true or false)",
    ]


@pytest.mark.parametrize("place", ["{}", "device:\n  {}", "storage:\n  retention:\n    {}"])
def test_an_unknown_key_is_told_in_letters_alone(refused: Refused, place: str) -> None:
    """YAML takes any character by its number, and a terminal obeys it."""
    found = refused(place.format('"a.b\\e[31m\\r\\x9b": 1\n'))
    assert any("a.b" in said and "is not a known key" in said for said in found)
    assert "".join(found).isprintable(), ascii(found)


def test_a_file_of_another_kind_does_not_flood(tmp_path: Path, load: Load) -> None:
    with pytest.raises(ConfigProblem) as caught:
        load("".join(f"key{n}: {n}\n" for n in range(1000)))
    lines = str(caught.value).split("\n")
    assert len(lines) == 41
    assert lines[-1] == f"{tmp_path / 'config.yaml'}: 962 more problems"


def test_settings_are_rows_with_units(load: Load) -> None:
    text = (
        "device: {id: box}\nhealth: {port: 9200}\nremote: {url: 'http://x/', upload_interval: 1m}\n"
        "metrics:\n  - {name: beta.flow, interval: 5s, config: {without: [a, b], deep: yes, timeout: 2s}}\n"
        "  - {name: alpha.level, interval: 1s500ms, priority: 0}\n"
    )
    rows = load(text).settings()
    assert len(rows) == len({row[:3] for row in rows})
    for row in [
        ("device", "id", 0, "box"),
        ("device", "name", 0, ""),
        ("storage", "path", 0, "/var/lib/belabox-metrics/metrics.db"),
        ("storage", "wal_checkpoint_interval_ms", 0, 3_600_000),
        ("remote", "upload_interval_ms", 0, 60_000),
        ("remote", "enabled", 0, 1),
        ("remote.retry", "initial_backoff_ms", 0, 5000),
        ("health", "listen", 0, "127.0.0.1:9200"),
        ("health.error_threshold", "upload_age_seconds", 0, 600),
        ("monitoring", "clock_skew_warn_threshold_ms", 0, 2000),
        ("metrics/beta.flow", "interval_ms", 0, 5000),
        ("metrics/beta.flow", "priority", 0, 1),
        ("metrics/beta.flow", "scheduled", 0, 0),
        ("metrics/beta.flow", "reason", 0, "no url"),
        ("metrics/beta.flow", "config.without", 0, "a"),
        ("metrics/beta.flow", "config.without", 1, "b"),
        ("metrics/beta.flow", "config.deep", 0, 1),
        ("metrics/beta.flow", "config.factor", 0, 1.5),
        ("metrics/beta.flow", "config.timeout", 0, 2000),
        ("metrics/alpha.level", "interval_ms", 0, 1500),
        ("metrics/alpha.level", "scheduled", 0, 1),
        ("metrics/alpha.level", "reason", 0, ""),
    ]:
        assert row in rows, row
    assert not any(isinstance(row[3], bool) for row in rows)
    assert not any(row[:2] == ("health", "port") for row in rows)


def test_an_empty_list_is_no_row(load: Load) -> None:
    text = "device: {id: box}\nmetrics:\n  - {name: beta.flow, interval: 5s, config: {without: []}}\n"
    assert not any(row[1] == "config.without" for row in load(text).settings())


def test_the_shipped_file_is_right_and_has_every_metric() -> None:
    shipped = configuration.load(str(SHIPPED))
    assert {metric.name for metric in shipped.metrics} == set(discover())
    assert {metric.name: metric.reason for metric in shipped.metrics if metric.reason} == {
        "srt.packet_loss": "neither url nor file is configured",
        "srt.relay": "no url is configured",
        "power": "disabled",
        "npu": "disabled",
        "gps": "disabled",
    }
    assert not shipped.uploads


def test_the_shipped_file_says_the_defaults(load: Load) -> None:
    shipped = configuration.load(str(SHIPPED))
    bare = load("device: {id: belabox-001}\nremote: {enabled: false}\nmetrics: []\n")
    assert [row for row in shipped.settings() if not row[0].startswith("metrics/")] == bare.settings()
    for metric in shipped.metrics:
        known = discover()[metric.name]
        assert metric.priority == known.priority
        assert metric.settings == {key: default for key, (_, default) in known.settings.items()}


def test_the_installer_can_edit_the_shipped_file_line_by_line(load: Load) -> None:
    lines = SHIPPED.read_text().split("\n")
    for line in ("  id: belabox-001", '  url: ""', "  enabled: false"):
        assert [found.split("#")[0].rstrip() for found in lines].count(line) == 1, line
    text = "\n".join(lines).replace('  url: ""', "  url: http://localhost:8428/api/v1/import")
    edited = text.replace("  enabled: false", "  enabled: true").split("\nmetrics:")[0]
    assert load(edited + "\nmetrics: []\n").uploads


def test_the_commented_source_of_the_shipped_file_is_right(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SHIPPED.read_text().replace("    # config:", "    config:").replace("    #   ", "      "))
    metrics = {metric.name: metric for metric in configuration.load(str(path)).metrics}
    assert metrics["srt.packet_loss"].scheduled
    assert metrics["srt.packet_loss"].settings["file"] == "/tmp/srtla-send-stats-9000.json"
    assert metrics["encoder"].settings["progress_file"] == "/run/stream/progress"
