from __future__ import annotations

import pytest
import yaml

from belabox_metrics.config import document
from belabox_metrics.config.findings import Findings
from belabox_metrics.errors import ConfigProblem

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


@pytest.fixture(params=["c", "python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: a distribution may have built it without the C one."""
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)


def parse(text: str) -> document.Mapping:
    findings = Findings("F")
    root = document.parse(text, findings)
    findings.raise_if_any()
    return root


def test_remembers_lines() -> None:
    root = parse("# comment\na: 1\n\nb:\n  c: x\n  d: [1,\n   2]\n")
    assert {key: line for key, (line, _) in root.entries.items()} == {"a": 2, "b": 4}
    inner = root.entries["b"][1]
    assert isinstance(inner, document.Mapping)
    assert {key: line for key, (line, _) in inner.entries.items()} == {"c": 5, "d": 6}
    sequence = inner.entries["d"][1]
    assert isinstance(sequence, document.Sequence)
    assert [item.line for item in sequence.items] == [6, 7]


@pytest.mark.parametrize(
    ("written", "text", "is_null"),
    [
        ("no", "no", False),
        ("1e3", "1e3", False),
        ("010", "010", False),
        ("2024-01-01", "2024-01-01", False),
        ("", "", True),
        ("~", "~", True),
        ("null", "null", True),
        ("''", "", False),
        ('"null"', "null", False),
        ("'it''s'", "it's", False),
        ('"\\u00e9"', "é", False),
    ],
)
def test_keeps_scalars_as_they_are_written(written: str, text: str, is_null: bool) -> None:
    _, node = parse(f"a: {written}\n").entries["a"]
    assert isinstance(node, document.Scalar)
    assert (node.text, node.is_null()) == (text, is_null)


def nested(depth: int) -> str:
    return "a: " + "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "F:1: is empty"),
        ("# only a comment\n", "F:1: is empty"),
        ("---\n", "F:1: is empty"),
        ("null\n", "F:1: is empty"),
        ("- a\n- b\n", "F:1: is not a mapping"),
        ("\njust text\n", "F:2: is not a mapping"),
        ("a: 1\nb: 2\na: 3\n", "F:3: a: is given twice, first in line 1 (remove one)"),
        ("a:\n  b: 1\n  'b': 2\n", "F:3: a.b: is given twice, first in line 2"),
        ("a:\n - {x: 1,\n    x: 2}\n", "F:3: a[1].x: is given twice, first in line 2"),
        (
            "a: 1\nb: !!python/object/apply:os.system [id]\n",
            "F:2: b: has the tag 'tag:yaml.org,2002:python/object",
        ),
        ("a: !!binary aGk=\n", "F:1: a: has the tag 'tag:yaml.org,2002:binary'"),
        ("!!set {a: 1}\n", "F:1: has the tag 'tag:yaml.org,2002:set'"),
        ("a: !secret x\n", "F:1: a: has the tag '!secret'"),
        (BOMB, "F:1: a: has an anchor or alias"),
        (
            "a: 1\nb: *a\n",
            "F:2: b: has an anchor or alias (& or *) (write the value out, or put it in quotes)",
        ),
        ("a: &x 1\n", "F:1: a: has an anchor or alias"),
        ("<<: *a\n", "F:1: '<<': has an anchor or alias"),
        (nested(document.DEPTH), f"F:1: a{'[1]' * 15}: is nested deeper than 16 levels"),
        ("a: " + "[" * 100_000, "F:1: a" + "[1]" * 15 + ": is nested deeper than 16 levels"),
        ("{" * 100_000, "F:1: "),
        ("? [a]\n: b\n", "F:1: has a list or mapping for a key"),
        ("---\na: 1\n---\nb: 2\n", "F:3: a second document begins"),
        ("a: 1\n--- text\n", "F:2: a second document begins"),
        ("a:\n\t- b\n", "F:2:1: is not valid YAML: found character"),
        ("a: 'x\n", "F:"),
        ("a: b: c\n", "F:1:5: is not valid YAML: mapping values are not allowed"),
        ("a: [1, 2\nb: 3\n", "F:2:"),
        ("a: 1\n b: 2\n", "F:2:"),
        ("a: @x\n", "F:1:4: is not valid YAML: found character"),
        ('a: "\\q"\n', "F:1:"),
        ('a: "one\\ntwo"\n', "F:1: a: has a line break or another control character in it"),
        ('a: "\\0"\n', "F:1: a: has a line break"),
        ('a: "\\u2028"\n', "F:1: a: has a line break"),
        ("a: |\n  one\n  two\n", "F:1: a: has a line break"),
        ('"a\\n": 1\n', "F:1: has a line break"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(ConfigProblem) as caught:
        parse(text)
    assert str(caught.value).startswith(message), str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_says_to_indent_with_spaces_where_a_tab_is() -> None:
    with pytest.raises(ConfigProblem, match=r"\(indent with spaces\)"):
        parse("a:\n\tb: 1\n")


def test_goes_as_deep_as_it_says() -> None:
    assert parse(nested(document.DEPTH - 1)).entries["a"]
