"""No server may drop or cut a label, and no two series may become one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belabox_metrics.sample import canonical
from belabox_metrics.upload.formats.labels import LONGEST_NAME, LONGEST_VALUE, MOST_TAGS, labels_of

HALF = "\ud83d"


def labels(name: str, tags: dict[str, str], device: str = "box") -> dict[str, str]:
    return labels_of((name, canonical(tags)), device)


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        ("cpu.usage_percent", {"core": "cpu0"}, {"__name__": "cpu_usage_percent", "core": "cpu0"}),
        ("cpu.temperature", {}, {"__name__": "cpu_temperature_celsius"}),
        ("a:b", {"le": "+Inf", "_x": '\x00 \n"\\ü'}, {"__name__": "a:b", "le": "+Inf", "_x": '\x00 \n"\\ü'}),
        ("a", {"b": "x" * 1024}, {"__name__": "a", "b": "x" * 1024}),
    ],
)
def test_what_servers_take_as_it_is_needs_no_more(name: str, tags: dict[str, str], expected: dict[str, str]) -> None:
    assert labels(name, tags) == {"device_id": "box", **expected}


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        pytest.param("a", {"a b": "1"}, {"a_b": "1", "stored_as": 'a{"a b":"1"}'}, id="a key that is no label"),
        pytest.param(
            "a", {"1st": "1"}, {"_1st": "1", "stored_as": 'a{"1st":"1"}'}, id="a key that begins with a digit"
        ),
        pytest.param(
            "a",
            {"a b": "1", "a-b": "2", "a_b": "3"},
            {"a_b": "3", "stored_as": 'a{"a b":"1","a-b":"2","a_b":"3"}'},
            id="three keys become one label: the one that is spelled so",
        ),
        pytest.param(
            "a",
            {"device_id": "x", "__name__": "y", "stored_as": "z"},
            {
                "exported_device_id": "x",
                "exported___name__": "y",
                "exported_stored_as": "z",
                "stored_as": 'a{"__name__":"y","device_id":"x","stored_as":"z"}',
            },
            id="keys that are taken",
        ),
        pytest.param("a", {"b": ""}, {"stored_as": 'a{"b":""}'}, id="an empty value"),
        pytest.param("a", {"": "b"}, {"_": "b", "stored_as": 'a{"":"b"}'}, id="an empty key"),
        pytest.param("a b", {}, {"__name__": "a_b", "stored_as": "a b{}"}, id="a name that is none"),
        pytest.param("", {}, {"__name__": "_", "stored_as": "{}"}, id="an empty name"),
        pytest.param(HALF, {}, {"__name__": "_", "stored_as": "\\ud83d{}"}, id="half a character as a name"),
    ],
)
def test_what_must_change_is_told_apart_by_how_it_is_stored(
    name: str, tags: dict[str, str], expected: dict[str, str]
) -> None:
    assert labels(name, tags) == {"__name__": "a", "device_id": "box", **expected}


@pytest.mark.parametrize("tags", ["{damaged", "[1]", '{"b":1}', '{"b":null}', "[" * 5000])
def test_damaged_tags_are_shown_as_they_are(tags: str) -> None:
    found = labels_of(("a", tags), "box")
    assert found.keys() == {"__name__", "device_id", "stored_as"}
    assert found["stored_as"].startswith(f"a{tags}"[:1000])


def test_an_empty_device_is_no_label() -> None:
    assert labels_of(("a", ""), "") == {"__name__": "a"}


def test_long_values_that_begin_alike_stay_two_series() -> None:
    one, other = labels("a", {"b": "é" * 5000}), labels("a", {"b": "é" * 5001})
    assert one["b"] == other["b"] == "é" * 512
    assert one["stored_as"] != other["stored_as"]
    assert len(one["stored_as"].encode()) <= LONGEST_VALUE


def test_tags_without_number_stay_two_series() -> None:
    tags = {f"t{number:03}": "x" for number in range(1000)}
    one, other = labels("a", tags), labels("a", {**tags, "t999": "y"})
    assert len(one) == MOST_TAGS + 3
    assert one.keys() == other.keys()
    assert one["t000"] == "x"
    assert one["stored_as"] != other["stored_as"]


# Few letters, so that things collide; and whatever else there is.
KEYS = st.one_of(
    st.text("ab _-é1", max_size=3),
    st.sampled_from(["__name__", "device_id", "stored_as", "exported_device_id", "le"]),
    st.text(max_size=300),
)
VALUES = st.one_of(st.text("ab", max_size=2), st.text(max_size=1100))
NAMES = st.one_of(st.text("ab é1", max_size=3), st.text(max_size=250))
TAGS = st.dictionaries(KEYS, VALUES, max_size=40)


@given(st.lists(st.tuples(NAMES, TAGS.map(canonical)), min_size=2, max_size=6, unique=True))
def test_any_series_keep_within_the_bounds_and_apart(series: list[tuple[str, str]]) -> None:
    found = [labels_of(one, "box") for one in series]
    for one in found:
        assert re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", one["__name__"])
        assert one["device_id"] == "box"
        assert len(one) <= MOST_TAGS + 3
        for label, value in one.items():
            assert re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", label)
            assert len(label) <= LONGEST_NAME
            assert 0 < len(value.encode()) <= LONGEST_VALUE
    assert len({tuple(sorted(one.items())) for one in found}) == len(series)
