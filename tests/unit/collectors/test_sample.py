from __future__ import annotations

import builtins
import json
import sys
from typing import Any

import pytest

from belabox_metrics import json_text
from belabox_metrics.sample import Sample, canonical

HOSTILE = [
    "plain",
    'qu"ote',
    "back\\slash",
    "\x00\x01\x1f\x7f\n\t",
    "\u00fcml\u00e4ut \U0001f600",
    "half \udc80 a pair \ud83d",
    "w\\xe9b",
    "",
    " ",
    "\u2028",
]


def test_a_sample_compares_and_shows_itself() -> None:
    assert Sample("a.b", 1) == Sample("a.b", 1, {})
    assert Sample("a.b", 1, {"x": "y"}) != Sample("a.b", 1)
    assert Sample("a.b", None) != "a.b"
    assert repr(Sample("a.b", 1.5, {"x": "y"})) == "Sample('a.b', 1.5, {'x': 'y'})"


def test_canonical() -> None:
    assert canonical({}) == ""
    assert canonical({"b": "2", "a": "1"}) == '{"a":"1","b":"2"}' == canonical({"a": "1", "b": "2"})


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_name_holds_it_is_ascii_json(text: str) -> None:
    whole = text.encode("utf-8", "backslashreplace").decode()
    for tags in ({"k": text}, {text: "v"}):
        line = canonical(tags)
        assert line.isascii()
        assert line.isprintable()
        assert json.loads(line) == ({"k": whole} if "k" in tags else {whole: "v"})


DOCUMENTS: list[tuple[str, object]] = [
    ("1", 1),
    (" \n[1, 2.5, -3e2] \t", [1, 2.5, -300.0]),
    (
        '{"a":{"b":null,"c":[true,false]},"d":"\\u00fc\\n"}',
        {"a": {"b": None, "c": [True, False]}, "d": "\u00fc\n"},
    ),
    ("1e999", float("inf")),
    ("9" * 100, int("9" * 100)),
]
NO_DOCUMENTS = [
    "",
    " ",
    "{",
    '{"a":}',
    "[1,]",
    "[1/2]",
    '{"a" 1}',
    '{"a":1 "b":2}',
    "{a:1}",
    '"\x01"',
    '"\\q"',
    "nul",
    "1 2",
    '{"a":1}{"b":2}',
    "'a'",
    '"\n"',
    "[" * 100_000,
    "\x00",
    "{1:2}",
]


@pytest.fixture(params=["C", "C alone", "package"])
def half(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the C half, the package loaded or, as in a job, not; by the package, where there is no C half."""
    if request.param == "C alone":
        for name in [name for name in sys.modules if name.split(".")[0] == "json"]:
            monkeypatch.delitem(sys.modules, name)
    if request.param == "package":
        honest = builtins.__import__

        def without(name: str, *rest: Any) -> Any:
            if name == "_json":
                raise ImportError(name)
            return honest(name, *rest)

        monkeypatch.setattr(builtins, "__import__", without)


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize(("text", "value"), DOCUMENTS)
def test_json(text: str, value: object) -> None:
    assert json_text.parse(text) == value


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize("text", NO_DOCUMENTS)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        json_text.parse(text)
    assert len(str(caught.value)) < 120


@pytest.mark.usefixtures("half")
def test_nan_is_a_float_to_be_judged() -> None:
    assert str(json_text.parse("[NaN, Infinity, -Infinity]")) == "[nan, inf, -inf]"


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize("text", HOSTILE)
def test_quote(text: str) -> None:
    assert json.loads(json_text.quote(text)) == text.encode("utf-8", "backslashreplace").decode()
