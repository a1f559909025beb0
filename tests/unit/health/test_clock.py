"""The component `time`: what was measured, for as long as it says something about now."""

from __future__ import annotations

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs

from .conftest import Box, settings


def compare(box: Box, skew_ms: float, error_ms: float = 520) -> None:
    samples = [Sample("time.skew_ms", skew_ms), Sample("time.skew_error_ms", error_ms)]
    with box.store.writing() as connection:
        runs.add(connection, runs.Run("clock", box.moment, samples=samples, priority=3))


@pytest.fixture
def compared(box: Box) -> Box:
    """Three minutes ago the clock was 40 ms behind."""
    box.configure(settings(intervals={}))
    compare(box, -40)
    box.step(180)
    return box


def test_what_is_said(compared: Box) -> None:
    found = compared.component("time")
    assert (found["status"], found["details"]["skew_ms"], found["details"]["ntp_synced"]) == ("ok", -40, True)
    assert found["message"] == (
        "the clock was set from a server; 40 ms behind the metrics server's, give or take 520 ms, compared 3 min ago"
    )


SET_SINCE = [
    pytest.param(-60_000, 60, 0, "ok", id="wrong, then set right"),
    pytest.param(0, -60, -60_000, "degraded", id="right, then set wrong"),
    pytest.param(-1.7e12, 1.7e9, 0, "ok", id="1970, then NTP"),
]


@pytest.mark.parametrize(("skew_ms", "jump_s", "now_ms", "status"), SET_SINCE)
def test_a_clock_that_was_set_since_has_changed_by_as_much(
    box: Box, skew_ms: float, jump_s: float, now_ms: int, status: str
) -> None:
    compare(box, skew_ms)
    box.step(10, clock_jumps_by=jump_s)
    found = box.component("time")
    assert (found["details"]["skew_ms"], found["status"]) == (now_ms, status)


def test_a_measurement_of_an_earlier_boot_says_nothing(compared: Box) -> None:
    compare(compared, 99_000)
    assert compared.component("time")["status"] == "degraded"
    compared.reboot(30)
    found = compared.component("time")
    assert (found["status"], found["details"]["skew_ms"]) == ("ok", None)


CERTAIN = [(2500, 2950, "ok"), (2500, 520, "degraded"), (2000, 520, "ok"), (-2001, 520, "degraded"), (-40, 9, "ok")]


@pytest.mark.parametrize(("skew_ms", "error_ms", "status"), CERTAIN)
def test_it_is_no_worse_than_can_be_told(box: Box, skew_ms: float, error_ms: float, status: str) -> None:
    compare(box, skew_ms, error_ms)
    assert box.component("time")["status"] == status


def test_without_an_answer_the_last_one_stands(compared: Box) -> None:
    compared.run("clock", outcome=runs.FAILED, error="the server is away")
    assert compared.component("time")["details"]["skew_ms"] == -40


@pytest.mark.parametrize("packed", ["[1e999,520]", "[null,520]", "[]", "{}", '["a","b"]', "[-1e999]"])
def test_what_somebody_wrote_there_by_hand_is_no_measurement(compared: Box, packed: str) -> None:
    compared.store.connection().execute("UPDATE runs SET packed = ?", (packed,))
    assert compared.component("time")["details"]["skew_ms"] is None


def test_no_server_has_set_the_clock(box: Box) -> None:
    compare(box, 30)
    box.moment = Moment(box.moment.wall_ms, box.moment.boottime_ms, "boot-a", False)
    found = box.component("time")
    assert (found["status"], found["details"]["ntp_synced"]) == ("ok", False)
    assert found["message"].startswith("not synchronised: no server has set the clock; 30 ms ahead of")
