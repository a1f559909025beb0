"""The list `metrics:`, and the settings of collectors in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

from belabox_metrics.config.known import discover

if TYPE_CHECKING:
    from belabox_metrics.config.configuration import Configuration

    Load = Callable[[str], Configuration]
    Refused = Callable[[str], list[str]]

HEAD = "device: {id: box}\nmetrics:\n"
BETA = HEAD + "  - name: beta.flow\n    interval: 5s\n"


def test_metrics_are_found_not_listed() -> None:
    found = discover("unit.config.fake_collectors")
    assert {name: known.priority for name, known in found.items()} == {"alpha.level": 2, "beta.flow": 1}


def test_defaults_are_those_of_the_collector(load: Load) -> None:
    (metric,) = load(HEAD + "  - {name: alpha.level, interval: 10s}\n").metrics
    assert (metric.name, metric.interval_ms, metric.priority, metric.settings) == (
        "alpha.level",
        10_000,
        2,
        {},
    )
    assert metric.scheduled


def test_an_entry_overrides_them(load: Load) -> None:
    settings = "priority: 0, config: {url: 'http://r/', without: [], most: 3, deep: yes, timeout: 1s}"
    (metric,) = load(HEAD + f"  - {{name: beta.flow, interval: 1s, {settings}}}\n").metrics
    assert metric.priority == 0
    assert metric.settings == {
        "url": "http://r/",
        "file": "",
        "only": "",
        "without": [],
        "most": 3,
        "level": 0,
        "factor": 1.5,
        "deep": True,
        "label": "x",
        "timeout": 1000,
    }


def test_defaults_do_not_leak_from_one_load_to_the_next(load: Load) -> None:
    found = load(BETA).metrics[0].settings["without"]
    assert isinstance(found, list)
    found.append("leak")
    assert load(BETA).metrics[0].settings["without"] == ["lo", "veth.*"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [("", "no url"), ("    config: {url: 'http://r/'}\n", ""), ("    enabled: no\n", "disabled")],
)
def test_says_why_a_metric_has_no_timer(load: Load, more: str, reason: str) -> None:
    (metric,) = load(BETA + more).metrics
    assert (metric.reason, metric.scheduled) == (reason, not reason)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("device: {id: box}\n", "1: metrics: is missing (a list of"),
        ("device: {id: box}\nmetrics:\n", "2: metrics: is not a list"),
        ("device: {id: box}\nmetrics: {cpu.usage: 10s}\n", "2: metrics: is not a list"),
        (HEAD + "  - alpha.level\n", "3: metrics[1]: is not a mapping"),
        (HEAD + "  - {name: alpha.level, interval: 5s}\n  - [x]\n", "4: metrics[2]: is not a mapping"),
        (HEAD + "  - interval: 5s\n", "3: metrics[1]: has no name"),
        (HEAD + "  - name:\n    interval: 5s\n", "3: metrics[1].name: has no value"),
        (HEAD + "  - name: alpha.level\n", "3: metrics[alpha.level]: has no interval (add interval: 30s)"),
        (
            HEAD + "  - {name: alfa.level, interval: 5s}\n",
            "3: metrics[alfa.level]: is not a known metric (did you mean alpha.level?)",
        ),
        (
            HEAD + "  - {name: zzz, interval: 5s}\n",
            "3: metrics[zzz]: is not a known metric (known are alpha.level, beta.flow; one of your own",
        ),
        (HEAD + "  - {name: '../../x', interval: 5s}\n", "3: metrics['../../x']: is not a known metric"),
        (
            BETA + "  - {name: beta.flow, interval: 1s}\n",
            "5: metrics[beta.flow]: is listed twice, first in line 3",
        ),
        (BETA + "    enabled: 7\n", "5: metrics[beta.flow].enabled: '7' is not a boolean"),
        (BETA + "    priority: 4\n", "5: metrics[beta.flow].priority: is more than 3"),
        (BETA + "    priority: high\n", "5: metrics[beta.flow].priority: 'high' is not a whole number"),
        (
            BETA + "    intervall: 5s\n",
            "5: metrics[beta.flow].intervall: is not a known key (did you mean interval?)",
        ),
        (BETA + "    url: x\n", "5: metrics[beta.flow].url: is not a known key (it belongs into config)"),
        (BETA + "    config:\n", "5: metrics[beta.flow].config: is not a mapping"),
        (BETA + "    config: [url]\n", "5: metrics[beta.flow].config: is not a mapping"),
        (
            BETA + "    config:\n      uri: x\n",
            "6: metrics[beta.flow].config.uri: is not a known key (did you mean url?)",
        ),
        (BETA + "    config: {url: x}\n", "5: metrics[beta.flow].config.url: does not begin with http"),
        (BETA + "    config: {file: x}\n", "5: metrics[beta.flow].config.file: does not begin with /"),
        (BETA + "    config: {most: 0}\n", "5: metrics[beta.flow].config.most: is less than 1"),
        (BETA + "    config: {timeout: 3}\n", "5: metrics[beta.flow].config.timeout: 3 has no unit"),
        (BETA + "    config: {timeout: 0s}\n", "5: metrics[beta.flow].config.timeout: is less than 1ms"),
        (BETA + "    config: {timeout: 16s}\n", "5: metrics[beta.flow].config.timeout: is more than 15s"),
        (
            BETA + "    config: {only: '*'}\n",
            "5: metrics[beta.flow].config.only: '*' is not a regular expression: nothing to",
        ),
        (
            BETA + "    config: {only: '('}\n",
            "5: metrics[beta.flow].config.only: '(' is not a regular expression: missing )",
        ),
        (
            BETA + "    config: {only: 'a{99999999999}'}\n",
            "5: metrics[beta.flow].config.only: 'a{99999999999}' is not a",
        ),
        (BETA + f"    config: {{only: '{'(' * 200}'}}\n", "5: metrics[beta.flow].config.only: '((((("),
        (BETA + "    config: {without: lo}\n", "5: metrics[beta.flow].config.without: is a text, not a list"),
        (
            BETA + "    config: {without: {lo: x}}\n",
            "5: metrics[beta.flow].config.without: is a mapping, not a list",
        ),
        (
            BETA + "    config: {without: [lo, '(']}\n",
            "5: metrics[beta.flow].config.without: '(' is not a regular",
        ),
        (
            BETA + "    config: {without: [lo, '']}\n",
            "5: metrics[beta.flow].config.without: has an empty pattern in it",
        ),
        (
            BETA + "    config: {without: [[lo]]}\n",
            "5: metrics[beta.flow].config.without: is a list, not a regular",
        ),
        (BETA + "    config: {without: [lo, ~]}\n", "5: metrics[beta.flow].config.without: has no value"),
        (
            HEAD + "  - {name: alpha.level, interval: 5s, config: {x: 1}}\n",
            "3: metrics[alpha.level].config.x: is not a known key (it has none)",
        ),
    ],
)
def test_is_refused(refused: Refused, text: str, said: str) -> None:
    lines = refused(text)
    assert len(lines) == 1, lines
    assert lines[0].startswith(said)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("0s", "is less than 1s"),
        ("999ms", "is less than 1s"),
        ("10", "10 has no unit (write 10s for seconds)"),
        ("1e3", "'1e3' is not a duration"),
        ("", "has no value"),
        ("8d", "is more than 7d"),
        (
            "1s700ms",
            "is under 5s and does not divide an hour, so no timer can keep it exactly (take the next whole",
        ),
        ("4s999ms", "is under 5s and does not divide an hour"),
    ],
)
def test_interval_is_refused(refused: Refused, written: str, reason: str) -> None:
    (line,) = refused(HEAD + f"  - name: alpha.level\n    interval: {written}\n")
    assert line.startswith(f"4: metrics[alpha.level].interval: {reason}")


@pytest.mark.parametrize("written", ["1s", "2s", "3s", "4s", "1s500ms", "5s1ms", "7s", "1h30m", "7d"])
def test_interval_is_taken(load: Load, written: str) -> None:
    assert load(HEAD + f"  - name: alpha.level\n    interval: {written}\n").metrics[0].interval_ms >= 1000
