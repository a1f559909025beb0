"""The section `alerts:`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from belabox_metrics import alert
from belabox_metrics.config.alerts import DEFAULTS
from belabox_metrics.config.configuration import load as load_file

if TYPE_CHECKING:
    from belabox_metrics.config.alerts import Alert
    from belabox_metrics.config.configuration import Configuration

    Load = Callable[[str], Configuration]
    Refused = Callable[[str], list[str]]

SHIPPED = Path(__file__).parents[3] / "configs/config.yaml"
HEAD = "device: {id: box}\nmetrics: [{name: beta.flow, interval: 5s}]\n"
FLOW = "metric: beta.flow, series: beta.rate, above: 5"


def changed(load: Load, text: str) -> dict[str, Alert]:
    """The alerts that differ from those that come with the program."""
    found = load(HEAD + f"alerts:\n{text}").alerts
    return {alert.name: alert for alert in found if alert not in DEFAULTS}


def stored(configuration: Configuration, metric: str) -> list[str]:
    return [str(row[3]) for row in configuration.settings() if row[:2] == (f"metrics/{metric}", "alert")]


def test_the_shipped_file_says_what_holds_without_it(load: Load) -> None:
    assert load_file(str(SHIPPED)).alerts == list(DEFAULTS) == load(HEAD).alerts


def test_what_is_stored_is_what_a_collection_reads() -> None:
    configuration = load_file(str(SHIPPED))
    rules = {
        rule.name: rule
        for metric in configuration.metrics
        for rule in map(alert.Rule, stored(configuration, metric.name))
    }
    enabled = [default for default in DEFAULTS if default.enabled]
    assert set(rules) == {default.name for default in enabled}
    for default in enabled:
        rule = rules[default.name]
        assert (rule.series, rule.tags, rule.of) == (default.series, default.tags, default.of)
        assert (rule.above, rule.limit, rule.clear, rule.for_ms) == (
            default.above,
            default.limit,
            default.clear,
            default.for_ms,
        )
        # Back by a tenth.
        assert abs(rule.limit - rule.clear) == pytest.approx(rule.limit / 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"  one: {{{FLOW}}}\n", {"above": 5, "clear": 4.5, "for_ms": 0, "of": "", "tags": {}}),
        (f"  one: {{{FLOW}, clear: 1, for: 1m}}\n", {"above": 5, "clear": 1, "for_ms": 60_000}),
        (f"  one: {{{FLOW}%, of: beta.most}}\n", {"above": 5, "of": "beta.most"}),
        (f"  one: {{{FLOW}, tags: {{link: eth0}}}}\n", {"tags": {"link": "eth0"}}),
        ("  one: {metric: beta.flow, series: beta.rate, below: -5.5}\n", {"below": -5.5, "clear": -4.95}),
    ],
)
def test_an_alert_of_ones_own(load: Load, text: str, expected: dict[str, object]) -> None:
    (rule,) = stored(load(HEAD + f"alerts:\n{text}"), "beta.flow")
    said = json.loads(rule)
    assert said["name"] == "one"
    assert {key: said[key] for key in expected} == expected


def test_a_part_of_one_that_comes_with_the_program_changes_that_part(load: Load) -> None:
    found = changed(load, "  cpu_usage: {above: 80}\n  bitrate: {below: 60%}\n  memory: {for: 1m}\n")
    usage, bitrate, memory = found["cpu_usage"], found["bitrate"], found["memory"]
    assert (usage.limit, usage.clear, usage.for_ms, usage.tags) == (80, 72, 30_000, {"core": "all"})
    assert (bitrate.limit, bitrate.of) == (60, "encoder.bitrate_limit_kbps")
    assert (memory.limit, memory.clear, memory.for_ms) == (100_000_000, 110_000_000, 60_000)


def test_one_that_is_switched_off_is_not_stored(load: Load) -> None:
    assert stored(load(HEAD + f"alerts: {{one: {{{FLOW}, enabled: false}}}}\n"), "beta.flow") == []
    assert not changed(load, "  memory: {enabled: no}\n")["memory"].enabled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - one\n", "3: alerts: is not a mapping"),
        ("  one: 5\n", "4: alerts.one: is not a mapping"),
        ("  One!: {above: 5}\n", "4: alerts.'One!': is not a name"),
        ("  one: {above: 5}\n", "4: alerts.one: has no metric and no series"),
        ("  one: {metric: beta.flow, series: beta.rate}\n", "4: alerts.one: has no above or below"),
        (
            "  one: {metric: beta.flo, series: x, above: 5}\n",
            "alerts.one.metric: is not a known metric (did you mean beta.flow?)",
        ),
        (f"  one: {{{FLOW}, below: 5}}\n", "alerts.one.below: can't be together with above"),
        (f"  one: {{{FLOW}%}}\n", "alerts.one.above: is '5%' of nothing"),
        (f"  one: {{{FLOW}, clear: 6}}\n", "alerts.one.clear: is beyond the limit itself"),
        (f"  one: {{{FLOW}, for: 10}}\n", "alerts.one.for: "),
        (f"  one: {{{FLOW}, for: 2d}}\n", "alerts.one.for: is more than 1d"),
        (f"  one: {{{FLOW}, tags: eth0}}\n", "alerts.one.tags: is not a mapping"),
        (f"  one: {{{FLOW}, tags: {{a: [b]}}}}\n", "alerts.one.tags.a: is a list, not a text"),
        (f"  one: {{{FLOW}, more: 1}}\n", "alerts.one.more: is not a known key"),
        (
            "  one: {metric: beta.flow, series: 'a b', above: 5}\n",
            "alerts.one.series: 'a b' is not the name of a series",
        ),
        ("  memory: {above: much}\n", "alerts.memory.above: 'much' is not a number"),
    ],
    ids=lambda value: value.strip()[:40],
)
def test_a_mistake_is_told_with_its_line(refused: Refused, text: str, said: str) -> None:
    (line,) = refused(HEAD + f"alerts:\n{text}")
    assert said in line


def test_there_are_not_too_many(refused: Refused) -> None:
    many = "".join(f"  a{number}: {{{FLOW}}}\n" for number in range(60))
    assert refused(HEAD + f"alerts:\n{many}") == ["3: alerts: has more than 50 alerts"]
