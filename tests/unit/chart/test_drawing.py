"""A chart is one well-formed drawing that shows what was measured, and nothing where nothing was."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from belabox_metrics.chart.chart import Chart, Line, Mark, Span, Window
from belabox_metrics.chart.drawing import drawn
from belabox_metrics.store.history import Point

START = 1_700_000_000_000
WINDOW = Window(START, START + 100_000)
HOSTILE = '</title><script>alert(1)</script>"&\x00\x1b[31m\ud800'


def point(second: float, least: float, greatest: float | None = None) -> Point:
    most = least if greatest is None else greatest
    return Point(START + int(second * 1000), least, most, least + most, most, 2)


def line(*values: float, label: str = "sent", every_s: float = 10, is_step: bool = False) -> Line:
    return Line(label, [point(at * every_s, value) for at, value in enumerate(values)], 25_000, is_step)


def tree(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(drawn(chart, WINDOW))


def paths(chart: Chart, kind: str = "line") -> list[str]:
    return [found.attrib["d"] for found in tree(chart).iter("path") if found.attrib["class"].startswith(kind)]


def texts(chart: Chart) -> list[str]:
    return [found.text or "" for found in tree(chart).iter("text")]


def test_a_line_goes_through_its_points() -> None:
    """From the left to the right, and up with the value: the axis ends at 100, the plot has 96 pixels."""
    assert paths(Chart("CPU", "cpu.usage_percent", [line(0, 50, 100)])) == ["M0 96L100 48 200 0"]
    assert paths(Chart("CPU", "cpu.usage_percent", [line(0, 50, 100, is_step=True)])) == ["M0 96H100V48H200V0"]


def test_where_nothing_was_measured_there_is_no_line() -> None:
    points = [point(0, 100), point(10, 100), point(60, 100), point(90, 0)]
    (found,) = paths(Chart("CPU", "cpu.usage_percent", [Line("all", points, 25_000)]))
    assert found == "M0 0L100 0M600 0h0M900 96h0"


def test_the_band_is_from_least_to_greatest() -> None:
    points = [point(0, 0, 100), point(10, 50)]
    assert paths(Chart("CPU", "cpu.usage_percent", [Line("all", points, 25_000)]), "band") == [
        "M0 0 100 48 100 48 0 96Z"
    ]
    assert paths(Chart("CPU", "cpu.usage_percent", [line(1, 2)]), "band") == []


def test_what_lies_outside_is_kept_out() -> None:
    marks = [Mark(START - 1, "before", label="1"), Mark(START + 50_000, "then", label="2"), Mark(START + 100_001, "3")]
    chart = Chart("CPU", "cpu.usage_percent", [line(1)], marks=marks)
    assert [found.text for found in tree(chart).iter("title")][1:] == ["then"]
    assert "2" in texts(chart)


def test_a_short_span_is_still_to_be_seen() -> None:
    (found,) = tree(Chart("a", "b", [line(1)], spans=[Span(START, START, "why")])).iter("rect")
    assert found.attrib["width"] == "0.2%"


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        (96, ["0 bit/s", "2 Mbit/s", "4 Mbit/s", "6 Mbit/s"]),
        (48, ["0 bit/s", "5 Mbit/s", "10 Mbit/s"]),
    ],
)
def test_levels_have_units_and_times_are_named(height: int, expected: list[str]) -> None:
    found = texts(Chart("Bitrate", "stream.bitrate_kbps", [line(0, 5800)], height=height))
    assert [text for text in found if "bit/s" in text] == expected
    assert sum(text.count(":") == 2 for text in found) == 4


def test_who_can_not_see_it_is_told() -> None:
    (found,) = tree(Chart("Bitrate", "stream.bitrate_kbps", [line(0, 5800)])).iter("desc")
    assert found.text == "sent 0 bit/s to 5.8 Mbit/s"


@pytest.mark.parametrize("where", ["title", "label", "mark", "span"])
def test_no_text_becomes_markup(where: str) -> None:
    said = {name: HOSTILE if name == where else "x" for name in ("title", "label", "mark", "span")}
    chart = Chart(
        said["title"],
        "cpu.usage_percent",
        [line(1, label=said["label"])],
        marks=[Mark(START, said["mark"], label=said["mark"])],
        spans=[Span(START, START + 1, said["span"])],
    )
    assert "<script" not in drawn(chart, WINDOW)
    assert "alert(1)" in drawn(chart, WINDOW)
    assert not list(tree(chart).iter("script"))


def test_a_chart_without_a_number_says_so() -> None:
    found = tree(Chart("Bitrate", "stream.bitrate_kbps", [Line("sent", [], 1000)]))
    assert [child.tag for child in found] == ["figcaption", "p"]


@pytest.mark.parametrize("far", [1.7e308, float("inf"), float("-inf"), float("nan")])
def test_what_no_axis_reaches_is_left_out(far: float) -> None:
    """From the least to the greatest of doubles is farther than one holds."""
    points = [point(0, -1e299), point(10, far), point(20, 1e299)]
    assert len(paths(Chart("own", "own.number", [Line("all", points, 25_000)]))) == 1
    assert "no numbers" in drawn(Chart("own", "own.number", [Line("all", [point(0, far)], 25_000)]), WINDOW)
