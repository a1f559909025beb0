"""What is said again and again is told once, and told again when it is new."""

from __future__ import annotations

import pytest

from belabox_metrics.event import Event
from belabox_metrics.stream import belaui, kernel
from belabox_metrics.stream.repeats import AGAIN_MS, Repeats

DOWN = "warning: no available connections"
UP = "10.0.0.1 (0x1): connection established"
LOST = "10.0.0.1 (0x1): connection failed, attempting to reconnect"


def told(repeats: Repeats, line: str, ms: int, link: str = "") -> Event | None:
    found = belaui.finding(line) or kernel.finding(line)
    assert found is not None
    return repeats.event(found, {**found.tags, **({"link": link} if link else {})}, ms)


def test_a_line_a_second_is_one_event_with_a_count() -> None:
    repeats = Repeats()
    events = [told(repeats, DOWN, second * 1000) for second in range(60)]
    assert events[0] is not None
    assert events[1:] == [None] * 59
    assert (events[0].wall_ms, events[0].text) == (0, "no link is up (60 times)")


def test_what_goes_on_is_told_again_each_minute_across_runs() -> None:
    state, events = "", []
    for run in range(36):
        repeats = Repeats.of(state)
        events += [event for second in range(5) if (event := told(repeats, DOWN, (run * 5 + second) * 1000))]
        state = repeats.text((run * 5 + 4) * 1000)
    assert [(event.wall_ms, event.text) for event in events] == [
        (0, "no link is up (5 times)"),
        (60_000, "no link is up (still; 60 times in 60 s) (5 times)"),
        (120_000, "no link is up (still; 60 times in 60 s) (5 times)"),
    ]


def test_an_outage_after_a_recovery_is_a_new_one() -> None:
    repeats = Repeats()
    assert told(repeats, DOWN, 0)
    assert not told(repeats, DOWN, 1000)
    up = told(repeats, UP, 2000, "10.0.0.1")
    assert up is not None
    assert up.text == "10.0.0.1 is up, after all_links_down was said 2 times"
    assert told(repeats, DOWN, 3000)


def test_a_link_that_is_up_again_says_nothing_of_another() -> None:
    repeats = Repeats()
    for link in ("a", "b"):
        assert told(repeats, LOST, 0, link)
    assert told(repeats, UP, 1000, "a")
    assert told(repeats, LOST, 2000, "a")
    assert not told(repeats, LOST, 2000, "b")


def test_some_things_are_each_an_event() -> None:
    repeats = Repeats()
    killed = "Out of memory: Killed process 2211 (belacoder) total-vm:1kB"
    assert all(told(repeats, killed, 1000) for _ in range(3))


def test_a_clock_that_was_set_back_hides_nothing() -> None:
    repeats = Repeats()
    assert told(repeats, DOWN, 10 * AGAIN_MS)
    assert told(repeats, DOWN, 0)


def test_the_state_stays_small_and_any_text_is_taken() -> None:
    repeats = Repeats()
    for number in range(1000):
        told(repeats, LOST, number, f"10.0.0.{number}")
    assert len(repeats.text(1000).split("\n")) == 64
    assert repeats.text(1_000_000) == ""


@pytest.mark.parametrize("state", ["", "x", "1 2", "1 x key", "-1 -1 key", "\n\n", "9" * 50 + " 1 key", "1 1 key{"])
def test_a_state_that_another_version_left(state: str) -> None:
    repeats = Repeats.of(state)
    assert told(repeats, DOWN, 0)
    assert told(repeats, UP, 1, "x")
