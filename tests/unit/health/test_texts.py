from __future__ import annotations

import json
from typing import Callable

import pytest

from belabox_metrics.health import body, verdict


@pytest.mark.parametrize(
    "value",
    [{}, {"a": {}}, {"a": {"b": None, "c": True}, "d": 1, "e": 1.5, "f": 'ü "\\\n\x00\u2028'}, {'"': -1}],
)
def test_what_is_written_is_json(value: object) -> None:
    text = body.text(value)
    assert json.loads(text) == value
    assert text.isascii()


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 s"), (1500, "1500 ms"), (10_500, "10 s"), (119_000, "119 s"), (120_000, "2 min"), (7_200_000, "2 h")],
)
def test_spans(ms: int, text: str) -> None:
    assert verdict.span(ms) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("UTC0", "2023-11-14T22:13:20+00:00"),
        ("IST-5:30", "2023-11-15T03:43:20+05:30"),
        ("NST3:30", "2023-11-14T18:43:20-03:30"),
    ],
)
def test_local_time_has_the_offset_of_the_zone(name: str, text: str, zone: Callable[[str], None]) -> None:
    zone(name)
    assert verdict.local(1_700_000_000_000) == text
    assert verdict.rfc3339(1_700_000_000_999) == "2023-11-14T22:13:20Z"
