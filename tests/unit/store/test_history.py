"""The past is given back as it was stored, in steps or one by one."""

from __future__ import annotations

from belabox_metrics.event import Event
from belabox_metrics.sample import Sample
from belabox_metrics.store import events, history

from .conftest import Box

START = 1_700_000_000_000
CORE = '{"core":"all"}'


def _numbers(box: Box, *values: object, every_ms: int = 10_000) -> None:
    for value in values:
        box.run(Sample("cpu.usage_percent", value, {"core": "all"}), Sample("cpu.name", "a55"))  # type: ignore[arg-type]
        box.step(every_ms)


def test_each_number_is_a_point_and_no_text_is(box: Box) -> None:
    _numbers(box, 1, 2.5, "x", None)
    found = history.points(box.store.connection(), ("cpu.usage_percent", "cpu.name"), START, START + 60_000)
    assert list(found) == [("cpu.usage_percent", CORE)]
    assert [(point.timestamp_ms - START, point.last) for point in found["cpu.usage_percent", CORE]] == [
        (0, 1),
        (10_000, 2.5),
    ]


def test_a_step_holds_what_fell_into_it(box: Box) -> None:
    _numbers(box, 4, 1, 7, 2, every_ms=25_000)  # START is 20 s into a minute
    found = history.points(box.store.connection(), ("cpu.usage_percent",), 0, START * 2, 60_000)
    assert [
        (point.timestamp_ms % 60_000, point.least, point.greatest, point.mean, point.last, point.count)
        for point in found["cpu.usage_percent", CORE]
    ] == [(0, 1, 4, 2.5, 1, 2), (0, 2, 7, 4.5, 2, 2)]


def test_the_end_is_not_in_it_and_the_beginning_is(box: Box) -> None:
    _numbers(box, 1, 2, 3)
    found = history.points(box.store.connection(), ("cpu.usage_percent",), START + 10_000, START + 20_000)
    assert [point.last for point in found["cpu.usage_percent", CORE]] == [2]


def test_a_clock_that_was_set_back_hides_nothing(box: Box) -> None:
    _numbers(box, 1)
    box.step(-3_600_000, 10_000)
    _numbers(box, 2)
    found = history.points(box.store.connection(), ("cpu.usage_percent",), START - 3_600_000, START)
    assert [point.last for point in found["cpu.usage_percent", CORE]] == [2]


def test_events_come_back_with_what_they_were_about(box: Box) -> None:
    with box.store.writing() as connection:
        events.add(connection, [Event("link_down", START - 5000, {"link": "wwan0"}, 0, "no carrier")], box.moment)
        events.add(connection, [Event("srt_connected", START)], box.moment)
    first, second = events.between(box.store.connection(), START - 10_000, START + 1)
    assert (first.name, first.timestamp_ms, first.tags, first.priority, first.text) == (
        "link_down",
        START - 5000,
        {"link": "wwan0"},
        0,
        "no carrier",
    )
    assert (second.name, second.tags, second.text) == ("srt_connected", {}, "")
    assert [event.name for event in events.between(box.store.connection(), 0, START + 1, most=1)] == ["srt_connected"]


def test_how_much_there_is_is_known_before_it_is_read(box: Box) -> None:
    _numbers(box, 1, 2, 3, 4)
    box.run(Sample("cpu.temperature", 50.0), metric="cpu.temperature")
    connection, names = box.store.connection(), ("cpu.usage_percent", "cpu.temperature")
    assert sorted(history.amount(connection, names, START, START * 2)) == [1, 4]
    assert sorted(history.amount(connection, names, START + 10_000, START + 30_000)) == [0, 2]
    assert history.amount(connection, ("no.such",), 0, START * 2) == []


def test_numbers_whose_sum_no_double_holds_have_a_mean(box: Box) -> None:
    _numbers(box, 1.5e308, 1.5e308, 1.7e308, every_ms=1000)
    (points,) = history.points(box.store.connection(), ("cpu.usage_percent",), 0, START * 2, 60_000).values()
    assert 1.5e308 <= points[0].mean <= 1.7e308
