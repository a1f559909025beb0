from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from belabox_metrics.exposition import words
from belabox_metrics.own import lines, names
from belabox_metrics.sample import Sample, canonical
from belabox_metrics.upload.names import metric_name

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

PAGE = Path(__file__).parents[3] / "docs/metrics.md"


@pytest.mark.parametrize(
    ("line", "name", "value", "tags"),
    [
        ("room.temperature 21.5", "room.temperature", 21.5, {}),
        ("  room_temperature\t21.5 \r", "room_temperature", 21.5, {}),
        ("a 0", "a", 0, {}),
        ("a -3", "a", -3, {}),
        ("a +3", "a", 3, {}),
        ("a 1e3", "a", 1000.0, {}),
        ("a .5", "a", 0.5, {}),
        # to the last: a double would make it ...992
        ("bytes_total 9007199254740993", "bytes_total", 9007199254740993, {}),
        ("a{} 1", "a", 1, {}),
        ('a{b="c"} 1', "a", 1, {"b": "c"}),
        ('a{b="c",} 1', "a", 1, {"b": "c"}),
        ('a { b = "c" , d="e f" } 1', "a", 1, {"b": "c", "d": "e f"}),
        ('a{b="}"} 1', "a", 1, {"b": "}"}),
        ('a{b="x\\"y\\\\z\\n"} 1', "a", 1, {"b": 'x"y\\z\n'}),
        ('a{b="",c="d"} 1', "a", 1, {"c": "d"}),
        ('a{b="K\u00fcche"} 1', "a", 1, {"b": "K\u00fcche"}),
        ('job:rate:5m{le="+Inf"} 7', "job:rate:5m", 7, {"le": "+Inf"}),
    ],
)
def test_a_line(line: str, name: str, value: float, tags: dict[str, str]) -> None:
    samples, faults = lines.parse(line)
    assert faults == []
    assert samples == [Sample(name, value, tags)]
    assert type(samples[0].value) is type(value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a", "'a' has no value"),
        ("a{} ", "'a' has no value"),
        ("21.5", "'21.5' is not a name"),
        ("1a 5", "'1a' is not a name"),
        ("a-b 5", "'a-b' is not a name"),
        ('{a="b"} 5', "'' is not a name"),
        ("\u00e4 5", "is not a name"),
        ("a" * 129 + " 5", "is not a name"),
        ("\x1b[31m 5", r"'\x1b[31m' is not a name"),
        ("a much", "'much' is not a number"),
        ("a 1_000", "'1_000' is not a number"),
        ("a 0x10", "'0x10' is not a number"),
        ("a \u0663", "is not a number"),
        ("a 1,5", "'1,5' is not a number"),
        ("a -", "'-' is not a number"),
        ("a NaN", "'NaN' is not a number; leave a line out"),
        ("a +Inf", "'+Inf' is not a number"),
        ("a 1e999", "is too large"),
        ("a 9223372036854775808", "is too large"),
        ("a 1" + "0" * 30, "is too large"),
        ("a 1 1760364000000", "has a timestamp behind the value"),
        ("a 1 -5", "has a timestamp behind the value"),
        ("a 1 C", "has 'C' behind the value"),
        ('a 1 # {trace="x"} 0.5', "has '#' behind the value"),
        ("a{b=c} 1", "tags that are not written"),
        ("a{b} 1", "tags that are not written"),
        ("a{", "tags that are not written"),
        ("a{b='c'} 1", "tags that are not written"),
        ('a{b="c 1', "the tag b without its closing quote"),
        ('a{b="c\\', "that is none of"),
        ('a{b="\\x41"} 1', "that is none of"),
        ('a{b="\x07"} 1', r"the tag b with '\x07' in it"),
        ('a{b="c"d="e"} 1', "tags that do not end behind b"),
        ('a{b="c", b="d"} 1', "has the tag b twice"),
        ('a{b.c="d"} 1', "'b.c' is not the name of a tag"),
        ('a{="d"} 1', "'' is not the name of a tag"),
        ('a{__name__="d"} 1', "has the tag __name__, which belabox-metrics gives itself"),
        ('a{device_id="d"} 1', "has the tag device_id, which"),
        ('a{b="%s"} 1' % ("x" * 201), "longer than 200 characters"),
        ("a{" + ",".join(f't{n}="v"' for n in range(11)) + "} 1", "has more than 10 tags"),
        ("cpu.load 1", "'cpu.load' begins with cpu, as names of belabox-metrics do"),
        ("cpu_load 1", "begins with cpu"),
        ("stream 1", "begins with stream"),
        ("SRT:rtt 1", "begins with srt"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_its_neighbours_stay(line: str, says: str) -> None:
    samples, faults = lines.parse(f"# HELP a what\nbefore 1\n{line}\n\nafter 2")
    assert [sample.name for sample in samples] == ["before", "after"]
    (fault,) = faults
    assert fault.startswith("line 3: ")
    assert says in fault
    assert fault.isprintable()


@pytest.mark.parametrize(
    ("first", "again"),
    [("a 1", "a 2"), ("a.b 1", "a_b 2"), ('a{x="1",y="2"} 1', 'a{y="2",x="1"} 2'), ('a{x=""} 1', "a 2")],
)
def test_a_series_that_is_given_twice(first: str, again: str) -> None:
    samples, faults = lines.parse(f"{first}\n{again}\n")
    assert len(samples) == 1
    assert faults == [f"line 2: gives {again.partition(' ')[0].partition('{')[0]!r} again, as line 1 did"]


def test_there_is_an_end_to_it() -> None:
    samples, faults = lines.parse("".join(f"a{number} 1\n" for number in range(lines.MOST + 50)))
    assert len(samples) == lines.MOST
    assert faults == [f"line {lines.MOST + 1}: more than {lines.MOST} values, the rest is left out"]


def test_nothing_is_nothing() -> None:
    assert lines.parse("") == lines.parse("# a 1\n\n  \n#\n") == ([], [])


WORDS = ["a", "b.c", "{", "}", '"', "=", ",", " ", "\t", "\n", "\\", "1", "1e5", "NaN", "#", "cpu.x", 'd{e="f"} 1\n']


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3) | st.floats().map(str)).map("".join))
def test_any_output(text: str) -> None:
    samples, faults = lines.parse(text)
    assert all(re.match(r"line \d+: ", fault) for fault in faults)
    told = [sample.name.replace(".", "_") + canonical(sample.tags) for sample in samples]
    assert len(told) == len(set(told)) <= lines.MOST
    for sample in samples:
        assert isinstance(sample.value, (int, float))
        assert math.isfinite(sample.value)
        # What can be sent without being mended.
        assert metric_name(sample.name) == sample.name.replace(".", "_")
        assert not names.taken(sample.name)


def test_no_name_of_this_program_can_be_had() -> None:
    """Who adds a metric with a new first word adds it to names.TAKEN, and to docs/own-metrics.md."""
    ours = set(re.findall(r"^(?:## |\| )`([a-z_]+(?:\.[a-z_.]+)?)`", PAGE.read_text(), re.MULTILINE))
    ours = {name for name in ours if "." in name or f"## `{name}`" in PAGE.read_text()}
    assert len(ours) > 100
    ours |= set(words.WORDS)  # those of jobs that are no collectors too
    assert {re.split(r"[._]", name)[0] for name in ours} == set(names.TAKEN)
    assert all(names.taken(name) and names.taken(name.replace(".", "_").upper()) for name in ours)
    told = (PAGE.parent / "own-metrics.md").read_text()
    assert [word for word in names.TAKEN if f"`{word}`" not in told] == []
