"""docs/report.md says of each rule what the rule says of itself, and the rules use what is recorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from belabox_metrics.report.observation import Rule
from belabox_metrics.report.recording import NAMES
from belabox_metrics.report.rules.catalog import RULES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/report.md").read_text()
METRICS = (ROOT / "docs/metrics.md").read_text()


def test_the_page_has_each_rule_once_in_their_order_by_kind() -> None:
    kinds = ("fault", "strain", "symptom", "note")
    named = [rule.name for rule in sorted(RULES, key=lambda rule: kinds.index(rule.kind))]
    assert re.findall(r"^#### (.*)$", PAGE, re.MULTILINE) == named


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_page_says_what_the_rule_says(rule: Rule) -> None:
    section = PAGE.partition(f"#### {rule.name}\n")[2].partition("\n#")[0]
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", section, re.MULTILINE))
    silent = f"{rule.silent[:1].upper()}{rule.silent[1:]}."
    assert rows == {"when": rule.condition, "by": rule.inputs, "says": rule.says, "silent": silent}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_looks_at_what_there_is(rule: Rule) -> None:
    for name in re.findall(r"\b[a-z]+\.[a-z_]+_?[a-z_]+\b", rule.inputs):
        known = name in NAMES or f"## `{name}`" in METRICS
        assert known, f"{name} is not read"
    for name in NAMES:
        assert f"`{name}`" in METRICS, f"{name} is no series of docs/metrics.md"
