"""The budget of docs/fleet.md: what a box costs a server does not grow unnoticed."""

from __future__ import annotations

import re

import pytest
from tests.markdown import ROOT

from . import cardinality
from .streaming_box import Collected, collected

PAGE = ROOT / "docs/fleet.md"


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> list[Collected]:
    return collected(tmp_path_factory.mktemp("cardinality"))


def budget(of: str) -> tuple[int, int]:
    """Counted and allowed, as the page says in the row that begins with `of`."""
    row = re.search(rf"^\| {re.escape(of)} \|.*\| (\d+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    assert row, of
    return int(row[1]), int(row[2])


def test_the_box_of_the_fixtures_has_as_many_series_as_the_page_says(metrics: list[Collected]) -> None:
    found = cardinality.by_metric(metrics)
    streaming = sum(found[one.metric] for one in metrics if one.is_streaming)
    for of, number in (("streaming", sum(found.values())), ("not streaming", sum(found.values()) - streaming)):
        counted, allowed = budget(of)
        assert number == counted, found
        assert number <= allowed
    # A box on which nothing could be collected would be cheap.
    assert {"cpu.usage", "network.traffic", "srt.relay", "stream.links", "stream.health", "modem"} <= found.keys()


@pytest.mark.parametrize(
    ("of", "metric", "tag"),
    [
        ("an interface", "network.traffic", "interface"),
        ("a link of the bond", "stream.links", "interface"),
        ("a disk", "disk.io", "device"),
        ("a core", "cpu.usage", "core"),
        ("a thermal zone", "cpu.temperature", "zone"),
    ],
)
def test_a_part_of_a_box_adds_what_the_page_says(metrics: list[Collected], of: str, metric: str, tag: str) -> None:
    counted, allowed = budget(of)
    parts = cardinality.by_part(metrics, metric, tag)
    # What only one of them has, a counter that went back, is no part of the rule.
    assert min(parts.values()) == counted, parts
    assert max(parts.values()) <= allowed


def test_a_modem_with_all_that_can_be_measured(metrics: list[Collected]) -> None:
    counted, allowed = budget("a modem")
    plain = cardinality.by_part(metrics, "modem", "interface")
    assert cardinality.of_a_modem() + min(plain.values()) - 1 == counted
    assert counted <= allowed


def test_no_label_has_a_value_that_is_new_with_each_stream(metrics: list[Collected]) -> None:
    for one in metrics:
        for sample in one.numbers:
            for value in sample.tags.values():
                assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|\d{9,}", value), (sample.name, value)
