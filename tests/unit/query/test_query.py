"""What a person at a terminal sees of a metric, whatever is in it."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Callable

import pytest

from belabox_metrics.query import command
from belabox_metrics.query.screen import of_stdout
from belabox_metrics.terminal import columns as width_of

from .conftest import START_MS, Box

HOUR = ("--since", "2023-11-14T22:00", "--until", "2023-11-14T23:00")
HOSTILE = "\x1b[31mred\x07\x1b]0;title\x07\r\nsecond \x9b2J\u202eend"


def test_the_figures_and_the_curve_of_a_gauge(box: Box) -> None:
    box.fill("cpu.temperature", lambda minute: 40 + minute // 2 * 2, range(0, 60, 2))
    assert box.query("m", *HOUR, columns=48, unicode=False) == [
        "m, 2023-11-14 22:00:00 to 23:00:00 UTC",
        "SERIES           LAST   MIN  MEAN   MAX  COUNT",
        "cpu.temperature  98 C  40 C  69 C  98 C     30",
        "",
        "cpu.temperature",
        "98 C |                                    .---'",
        "     |                              ..-'''",
        "     |                       ...--''",
        "69 C |                  .---'",
        "     |           ...-'''",
        "     |     ...-''",
        "40 C |.---'",
        "     ++---------+----------+---------+----------",
        "      22:00   22:15      22:30     22:45",
    ]


def test_an_outage_is_a_hole_in_the_curve_and_is_told(box: Box) -> None:
    box.fill("cpu.usage_percent", lambda _: 50, range(20))
    box.fill("cpu.usage_percent", lambda _: 50, range(40, 50))
    # The side takes eight: a column for each minute.
    shown = box.query("m", *HOUR, columns=68, unicode=False)
    (curve,) = [line for line in shown if "---" in line and "+" not in line]
    assert curve == f"  50 % |{'-' * 20}{' ' * 20}{'-' * 10}"
    assert shown[-1] == "no values 22:19:00 to 22:40:00, since 22:49:00"


def test_a_counter_is_shown_as_its_rate_from_nothing_on(box: Box) -> None:
    box.fill("network.tx_bytes_total", lambda minute: minute * 60_000_000, range(60))
    shown = box.query("m", *HOUR)
    assert shown[2].split()[1:] == ["1", "MB/s", "1", "MB/s", "1", "MB/s", "1", "MB/s", "60"]
    assert [line.split("┤")[0].strip() for line in shown if "┤" in line] == ["1 MB/s", "500 kB/s", "0 B/s"]


def test_of_many_series_the_highest_come_first_and_the_rest_are_counted(box: Box) -> None:
    for core in range(30):
        box.fill("cpu.usage_percent", core.__add__, range(60), {"core": f"cpu{core}"})
    shown = box.query("m", *HOUR)
    assert shown[2].startswith("cpu.usage_percent{core=cpu29} ")
    assert "and 20 more series: --all" in shown
    assert "cpu.usage_percent{core=cpu29}, the highest of 30" in shown
    assert len(shown) <= 24
    assert sum(line.startswith("cpu.usage_percent{core=") for line in box.query("m", *HOUR, "--all")) == 31


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_rather_fewer_figures_than_two_series_that_look_the_same(box: Box, columns: int) -> None:
    for name in ("stream.link_bitrate_kbps", "stream.link_share_percent"):
        for link in ("eth0", "wwan0"):
            box.fill(name, lambda minute: 400.1 + minute, range(60), {"interface": link})
    shown = box.query("m", *HOUR, columns=columns)
    names = [line.split()[0] for line in shown[2 : shown.index("", 2)]]
    assert (len(names), len(set(names))) == (4, 4)
    assert all(len(line) <= columns for line in shown)


def test_what_moved_is_plotted_before_what_did_not(box: Box) -> None:
    for name, factor in (("a.flat", 0), ("b.moves", 1), ("c.moves", 1)):
        box.fill(name, factor.__mul__, range(60))
    shown = box.query("m", *HOUR)
    titles = [line for before, line in zip(shown, shown[1:]) if not before]
    assert titles == ["b.moves", "2 more plots: --all, or query c.moves"]
    everything = box.query("m", *HOUR, "--all")
    assert [line for before, line in zip(everything, everything[1:]) if not before] == ["b.moves", "c.moves", "a.flat"]
    assert len(box.query("m", *HOUR, lines=80)) > len(shown)


def test_what_happened_is_listed(box: Box) -> None:
    box.fill("stream.event", lambda _: 1, range(1, 3), {"event": "link_down"}, metric="link_down")
    for name in ("stream.event", "link_down"):
        assert box.query(name, *HOUR) == [
            "2023-11-14 22:01:00  stream.event{event=link_down}  1",
            "2023-11-14 22:02:00  stream.event{event=link_down}  1",
        ]


def test_texts_have_their_last_word(box: Box) -> None:
    box.fill("modem.operator", lambda minute: f"operator {minute}", range(60), {"modem": "wwan0"})
    assert box.query("modem.operator", *HOUR)[2:] == ["modem.operator{modem=wwan0}  operator 59"]


def test_samples_are_there_for_who_wants_them(box: Box) -> None:
    box.fill("a.value", lambda minute: minute / 2, range(60), {"k": "v"})
    listed = box.query("m", "--since", "2023-11-14T22:10", "--until", "2023-11-14T22:12", "--samples")
    assert listed == ["2023-11-14 22:10:00  a.value{k=v}  5.0", "2023-11-14 22:11:00  a.value{k=v}  5.5"]
    first = json.loads(box.query("m", *HOUR, "--json")[0])
    assert first == {"timestamp_ms": 1_699_999_200_000, "name": "a.value", "tags": {"k": "v"}, "value": 0.0}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(lambda _: 5, id="constant"),
        pytest.param(lambda _: 0, id="zero"),
        pytest.param(lambda minute: -minute, id="negative"),
        pytest.param(lambda minute: (-1) ** minute * 1.7e308, id="as far apart as doubles go"),
        pytest.param(lambda minute: 10**400 if minute % 2 else minute, id="no double holds it"),
        pytest.param(lambda _: 5e-324, id="the least there is"),
        pytest.param(lambda minute: 1e15 + minute / 8, id="little on top of much"),
        pytest.param(lambda minute: None if minute % 2 else minute, id="every other one missing"),
        pytest.param(lambda minute: "text" if minute % 2 else minute, id="texts between"),
        pytest.param(lambda minute: HOSTILE + "\u4e2d\u6587" * minute, id="hostile texts"),
    ],
)
@pytest.mark.parametrize("name", ["a.value", "a.bytes_total"])
@pytest.mark.parametrize("count", [1, 60])
def test_no_value_breaks_the_picture(box: Box, values: Callable[[int], object], name: str, count: int) -> None:
    tags = {"device": HOSTILE, "name": "\u7f51\u5361\u0301" * 9}
    box.fill(name, values, range(count), tags)
    for columns, unicode in ((20, True), (20, False), (80, True), (80, False)):
        for line in box.query("m", *HOUR, columns=columns, unicode=unicode):
            # What has two dates in it has its own width.
            assert width_of(line) <= max(columns, 35), line
            assert [char for char in line if not char.isprintable()] == []
            assert unicode or line.isascii()


def test_nothing_but_nulls_is_nothing(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.fill("a.value", lambda _: None, range(60))
    assert command.main(["m", *HOUR, "--database", box.store.path]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "no samples of m from 2023-11-14 22:00:00 to 23:00:00 UTC\n")


def test_a_name_that_is_not_utf8_is_one_that_there_never_was(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    assert box.query("cpu\udcff") == []
    box.fill("a", lambda _: 1, range(1))
    assert command.main(["cpu\udcff", "--database", box.store.path]) == 0
    assert "ever: is that its name?" in capsys.readouterr().err


@pytest.mark.parametrize("tags", ["{", "7", "[]"])
@pytest.mark.parametrize("form", ["--json", "--samples", "--all"])
def test_damaged_tags_hide_no_sample(box: Box, tags: str, form: str) -> None:
    box.fill("a.value", lambda _: 41, range(1), {"x": "y"})
    with box.store.writing() as connection:
        connection.execute("UPDATE series SET tags = ?", (tags,))
    assert "41" in "\n".join(box.query("m", *HOUR, form))


def test_months_in_steps_are_what_the_samples_are(box: Box) -> None:
    box.fill("a.value", lambda minute: math.sin(minute / 200) * 10, range(0, 20_000, 2))
    box.fill("b.sent_bytes_total", lambda minute: minute * 60_000, range(0, 20_000, 2))
    month = ("--since", "2023-11-14T22:00", "--until", "2023-12-14T22:00")
    rows = {line.split()[0]: line.split()[1:] for line in box.query("m", *month)[2:4]}
    whole = [math.sin(minute / 200) * 10 for minute in range(0, 20_000, 2)]
    assert rows["a.value"] == [f"{value:.3g}" for value in (whole[-1], -10, sum(whole) / len(whole), 10)] + ["10000"]
    assert rows["b.sent_bytes_total"][4:6] == ["1", "kB/s"]


def test_what_is_rolled_up_is_shown_and_has_no_samples(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.fill("network.rx_bytes_total", lambda minute: minute, range(1))
    with box.store.writing() as connection:
        shape, job = connection.execute("SELECT shape, job FROM runs").fetchone()
        for minute in range(60):
            at = START_MS + minute * 60_000
            # Six a minute, 6 MB in all; in the middle it begins anew.
            last = (minute if minute < 30 else minute - 30) * 6_000_000 + 5_000_000
            row = (at // 60_000 * 2**32 + shape, job, at, f"[[{last},5000000,6]]")
            connection.execute("INSERT INTO minutes VALUES (?, ?, 2, ?, ?)", row)
        connection.execute("DELETE FROM runs")
        connection.execute("UPDATE jobs SET values_run = NULL")
    shown = box.query("m", *HOUR)
    assert shown[2].split()[1:] == ["100", "kB/s", "83.3", "kB/s", "99.7", "kB/s", "100", "kB/s", "360"]
    assert box.query("m", *HOUR, "--samples") == []
    assert command.main(["m", *HOUR, "--json", "--database", box.store.path]) == 0
    assert "they are shown without --samples" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "terminal", "unicode", "coloured"),
    [
        ({"LANG": "en_GB.UTF-8", "TERM": "xterm"}, True, True, True),
        ({"LANG": "en_GB.utf8", "TERM": "xterm"}, False, True, False),
        ({"LANG": "en_GB.UTF-8", "TERM": "xterm", "NO_COLOR": "1"}, True, True, False),
        ({"LANG": "en_GB.UTF-8", "TERM": "xterm", "NO_COLOR": ""}, True, True, True),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C", "TERM": "xterm"}, True, False, True),
        ({"LANG": "de_DE.ISO-8859-1", "TERM": "xterm"}, True, False, True),
        ({"LANG": "en_GB.UTF-8", "TERM": "linux"}, True, False, True),
        ({"LANG": "en_GB.UTF-8", "TERM": "dumb"}, True, False, False),
        ({}, True, False, False),
    ],
)
def test_a_terminal_gets_what_it_can_show(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], terminal: bool, unicode: bool, coloured: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    screen = of_stdout(environment)
    assert (screen.unicode, screen.coloured) == (unicode, coloured)


def test_colours_are_around_the_curve_alone(box: Box) -> None:
    box.fill("a.value", lambda minute: minute, range(60))
    plain, coloured = box.query("m", *HOUR), box.query("m", *HOUR, coloured=True)
    marked = [line for line in coloured if "\x1b" in line]
    assert len(marked) == 7
    assert [line.replace("\x1b[36m", "").replace("\x1b[0m", "").rstrip() for line in coloured] == plain


def test_the_width_of_the_terminal_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "41")
    assert of_stdout(os.environ).width == 41
    monkeypatch.setenv("COLUMNS", "3")
    assert of_stdout(os.environ).width == 20
