"""What `status` says of each metric: it has values, has none, fails, is late, is off; and of alerts."""

from __future__ import annotations

import json
import re

import pytest

from belabox_metrics import clock
from belabox_metrics.sample import Sample
from belabox_metrics.schedule.manager import Manager
from belabox_metrics.status import command, reading, screen
from belabox_metrics.store import backlog, queue, runs, waiting
from belabox_metrics.store import link as links
from belabox_metrics.terminal import Terminal, columns

from .conftest import Box, Rows, settings

METRICS = {
    "cpu.usage": 10_000,
    "pressure": 60_000,
    "hdmi.input": 10_000,
    "srt.relay": 5_000,
    "modem": 30_000,
    "gps": 30_000,
}


@pytest.fixture
def known(box: Box, monkeypatch: pytest.MonkeyPatch) -> Box:
    """An hour of a box: one of each kind, and `power` that nobody asked for."""
    off: Rows = {("metrics/power", "scheduled"): 0, ("metrics/power", "reason"): "enabled is false"}
    box.configure(settings(intervals=METRICS, more=off))
    box.run("collect", "modem", 3)
    box.run("collect", "srt.relay", 3)
    box.moment = clock.Moment(box.moment.wall_ms + 600_000, box.moment.boottime_ms + 600_000, "boot-a", True)
    box.run("collect", "cpu.usage", 4)
    box.run("collect", "pressure", 0)
    box.run("collect", "hdmi.input", outcome=runs.NO_DATA, error="this board has no HDMI input")
    box.run("collect", "srt.relay", outcome=runs.FAILED, error="relay: connection refused")
    monkeypatch.setattr(clock, "now", lambda: box.moment)
    return box


def said(box: Box, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command.main([*arguments, "--database", box.store.path]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("metric", "state", "why"),
    [
        ("cpu.usage", "ok", "n{0} 0, n{1} 1 and 2 more"),
        ("pressure", "ok", "no value yet: some need two runs"),
        ("hdmi.input", "absent", "this board has no HDMI input"),
        ("srt.relay", "failing", "relay: connection refused"),
        ("modem", "late", "not collected for 10 min, due every 30 s"),
        ("gps", "late", "not collected for 10 min since the start, due every 30 s"),
        ("power", "off", "enabled is false"),
    ],
)
def test_each_metric_has_a_state_and_a_reason(
    known: Box, capsys: pytest.CaptureFixture[str], metric: str, state: str, why: str
) -> None:
    lines = {line.split()[0]: line for line in said(known, capsys).splitlines() if line}
    assert lines[metric].split()[1] == state
    assert lines[metric].endswith(why)
    assert json.loads(said(known, capsys, "--json"))["states"][metric] == state


def test_ages_are_in_whole_seconds(known: Box, capsys: pytest.CaptureFixture[str]) -> None:
    now = known.moment
    known.moment = clock.Moment(now.wall_ms + 7_637, now.boottime_ms + 7_637, now.boot_id, True)
    lines = {line.split()[0]: line.split() for line in said(known, capsys).splitlines() if line}
    assert lines["cpu.usage"][2:4] == ["7", "s"]


def test_after_a_boot_nothing_is_known_of_a_metric_until_it_has_run(
    known: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    known.moment = clock.Moment(known.moment.wall_ms + 60_000, 20_000, "boot-b", True)
    states = json.loads(said(known, capsys, "--json"))["states"]
    assert {states[metric] for metric in METRICS} == {"waiting"}
    lines = [line.split(maxsplit=4) for line in said(known, capsys).splitlines() if line.startswith("cpu.usage ")]
    assert lines == [["cpu.usage", "waiting", "-", "10", "s   for the first sample, one is due every 10 s"]]


def test_values_of_the_boot_before_are_not_shown_as_those_of_now(
    known: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a metric that needs two runs the first one of a boot has none."""
    known.moment = clock.Moment(known.moment.wall_ms + 60_000, 20_000, "boot-b", True)
    known.run("collect", "cpu.usage", 0)
    (line,) = [line for line in said(known, capsys).splitlines() if line.startswith("cpu.usage ")]
    assert line.endswith("no value yet: some need two runs")


@pytest.mark.parametrize("tags", ["{", "7", "[]", '{"i": 7}', b"\xff"])
def test_damaged_tags_cost_no_more_than_themselves(
    known: Box, capsys: pytest.CaptureFixture[str], tags: object
) -> None:
    with known.store.writing() as connection:
        connection.execute("UPDATE series SET tags = ? WHERE position = 0", (tags,))
    (line,) = [line for line in said(known, capsys).splitlines() if line.startswith("cpu.usage ")]
    assert line.endswith(" 0, n{1} 1 and 2 more")


def test_after_an_installation_nothing_is_absent(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.configure(settings(intervals=METRICS))
    box.run("apply")
    now = clock.Moment(box.moment.wall_ms + 1000, box.moment.boottime_ms + 1000, "boot-a", True)
    states = {metric.state for metric in reading.Reading(box.store, now).metrics}
    assert states == {"waiting"}


def test_a_refused_configuration_is_told(known: Box, capsys: pytest.CaptureFixture[str]) -> None:
    known.run("apply")
    known.run("apply", outcome=runs.FAILED, error="config.yaml:7: metrics: is not a list")
    lines = said(known, capsys).splitlines()
    assert lines[0].startswith("degraded")
    assert "config    degraded  what was saved last is not in force: config.yaml:7: metrics: is not a list" in lines


class Planned(Manager):
    """A systemd whose timers are known."""

    def __init__(self, next_runs: dict[str, int]) -> None:
        super().__init__()
        self._next = next_runs

    def is_there(self) -> bool:
        return True

    def next_runs(self, pattern: str) -> dict[str, int]:
        return self._next


def shown_in(known: Box, terminal: Terminal, plans: dict[str, int] | None = None) -> list[str]:
    timers = {f"belabox-metrics{unit}.timer": known.moment.wall_ms + ms for unit, ms in (plans or {}).items()}
    return screen.lines(reading.Reading(known.store, known.moment, Planned(timers)), terminal)


def test_when_each_runs_next(known: Box) -> None:
    lines = shown_in(known, Terminal(None), {"@cpu.usage": 3_400, "-upload": 20_000})
    rows = {line.split()[0]: line for line in lines if line}
    at = rows["METRIC"].index("NEXT")
    assert rows["cpu.usage"][at:].startswith("3 s")
    assert rows["pressure"][at:].startswith("-")
    assert "next try in 20 s" in rows["uploader"]


def test_without_systemd_no_column_for_it(known: Box) -> None:
    assert "NEXT" not in shown_in(known, Terminal(None))[2]


def test_a_failure_delays_the_next_try_beyond_the_timer(known: Box) -> None:
    with known.store.writing() as connection:
        link = links.read(connection, known.moment.boot_id)
        link.failures, link.not_before_ms = 3, known.moment.boottime_ms + 90_000
        links.write(connection, link, known.moment)
    uploader = next(
        line for line in shown_in(known, Terminal(None), {"-upload": 20_000}) if line.startswith("uploader")
    )
    assert "3 failures in a row; next try in 90 s" in uploader


def test_the_queue_by_priority(known: Box) -> None:
    known.sent(10)
    known.step(60)
    with known.store.writing() as connection:
        for priority, samples in ((0, 1), (2, 2), (2, 2)):
            values = [Sample(f"n{at}", at, {}) for at in range(samples)]
            runs.add(connection, runs.Run("collect", known.moment, metric="gps", samples=values, priority=priority))
        queue.advance(connection, 3, queue.frontier(connection))
    known.step(30)
    queued = next(line for line in shown_in(known, Terminal(None)) if line.startswith("queue"))
    assert queued.split(maxsplit=1)[1] == (
        "5 samples wait to be sent, of 1 critical, 2 normal collections, the oldest of 30 s ago"
    )


def test_a_long_queue_is_not_counted_to_the_end(known: Box) -> None:
    connection = known.store.connection()
    assert waiting.read(connection, 2).more
    assert sum(waiting.read(connection, 2).runs.values()) <= 2
    assert not waiting.read(connection).more


def test_what_waits_in_the_backlog_is_counted_once(known: Box) -> None:
    before = waiting.read(known.store.connection()).runs
    with known.store.writing() as connection:
        frontier = queue.frontier(connection)
        backlog.add(connection, 2, 0, frontier)
        queue.advance(connection, 2, frontier)
    assert waiting.read(known.store.connection()).runs == before
    assert before[2] > 0


@pytest.mark.parametrize("width", [20, 40, 59, 60, 80, 99, 100, 132])
@pytest.mark.parametrize("coloured", [True, False])
def test_no_line_is_wider_than_the_terminal(known: Box, width: int, coloured: bool) -> None:
    known.run("collect", "srt.relay", outcome=runs.FAILED, error="\u4e2d\u6587 " * 30 + "x" * 200)
    known.run("apply", outcome=runs.FAILED, error="config.yaml:7: " + "word " * 50)
    lines = shown_in(known, Terminal(width, coloured=coloured), {"@cpu.usage": 3_400})
    assert ("\x1b[" in "".join(lines)) == coloured
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert [line for line in plain if columns(line) > width] == []
    assert all(any(line.startswith(name[:18]) for line in plain) for name in METRICS)


def test_an_alert_that_is_on_stands_above_all(known: Box, capsys: pytest.CaptureFixture[str]) -> None:
    began = known.moment.wall_ms - 90_000
    memory = f"hot {began} 3500000 1 boot-a\nsoon {began} 3500000 0 boot-a"
    with known.store.writing() as connection:
        runs.remember_alerts(connection, "cpu.usage", memory)
    assert said(known, capsys).splitlines()[1] == "alert  hot of cpu.usage, for 90 s"
    raised = json.loads(said(known, capsys, "--json"))["alerts_raised"]
    assert raised == [{"alert": "hot", "metric": "cpu.usage", "since_ms": began}]
