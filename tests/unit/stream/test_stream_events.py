"""Events, from a real journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.collectors import stream_events
from belabox_metrics.world import Reading, World

from .conftest import FIXTURES, KERNEL, Entry, Journal, entry, now_ms, recorded, write_journal

DOWN = "warning: no available connections"
LINK = "10.75.12.34 (0x55a0c8d0a2b0): "


def run(root: str, state: str = "", second: float = 100) -> Reading:
    return stream_events.collect(World(root, {}, state, None, now_ms(second)))


def named(reading: Reading) -> list[tuple[str, int]]:
    return [(event.name, event.priority) for event in reading.events]


def test_a_recorded_stream_with_its_outage(journal: Journal) -> None:
    root = journal(recorded("journal-belaUI.jsonl"))
    reading = stream_events.collect(World(root, now_ms=1_795_201_320_000))
    up = [("link_up", 1), ("link_up", 1), ("srt_connected", 1)]
    outage = [("link_down", 1), ("link_down", 1), ("all_links_down", 0), ("srt_lost", 0)]
    assert named(reading) == [("start_requested", 1), *up, *outage, *up, ("stop_requested", 1)]
    lost = next(event for event in reading.events if event.name == "srt_lost")
    assert lost.wall_ms == 1_795_201_296_998
    assert [sample.value for sample in reading.samples] == [48]
    again = stream_events.collect(World(root, {}, reading.state, None, 1_795_201_330_000))
    assert again.events == []
    assert [sample.value for sample in again.samples] == [0]


def test_it_is_told_in_parts_as_it_is_told_at_once(tmp_path: Path, journal: Journal) -> None:
    root = journal([])
    lines = recorded("journal-belaUI.jsonl")
    told = []
    state = ""
    for start in range(0, len(lines), 7):
        write_journal(tmp_path, lines[start : start + 7])
        reading = stream_events.collect(World(root, {}, state, None, 1_795_201_320_000))
        state = reading.state
        told += named(reading)
    assert told == named(stream_events.collect(World(root, now_ms=1_795_201_320_000)))


def test_a_link_is_named_by_its_interface_even_when_that_is_gone(tmp_path: Path, journal: Journal) -> None:
    route = tmp_path / "proc/net/route"
    route.parent.mkdir(parents=True)
    route.write_bytes((FIXTURES / "belabox-live/proc/net/route").read_bytes())
    first = run(
        journal([entry(90, LINK + "connection established"), entry(91, "10.9.9.9 (0x1): connection established")])
    )
    route.unlink()
    second = run(journal([entry(95, LINK + "connection failed, attempting to reconnect")]), first.state)
    assert [event.tags for event in [*first.events, *second.events]] == [
        {"interface": "wwan0"},
        {"link": "10.9.9.9"},
        {"interface": "wwan0", "reason": "no_answer"},
    ]


def test_what_follows_a_stop_that_was_asked_for_is_no_failure(journal: Journal) -> None:
    failing = [LINK + "connection failed, attempting to reconnect", DOWN, "The SRT connection failed, exiting"]
    stopped = [entry(80, "{ stop: 0 }"), *[entry(81 + n, line) for n, line in enumerate(failing)]]
    reading = run(journal(stopped))
    assert named(reading) == [("stop_requested", 1)]
    # The next stream is another matter, as is what happens long after.
    again = run(journal([entry(85, "  start: {"), entry(86, DOWN)]), reading.state)
    assert named(again) == [("start_requested", 1), ("all_links_down", 0)]


def test_a_stop_that_nothing_followed_hides_nothing_for_long(journal: Journal) -> None:
    assert named(run(journal([entry(60, "{ stop: 0 }"), entry(76, DOWN)]))) == [
        ("stop_requested", 1),
        ("all_links_down", 0),
    ]


def test_the_secret_of_the_stream_reaches_nothing(journal: Journal) -> None:
    lines = [
        "    srt_streamid: 'live_s3cret',",
        "Failed to establish an SRT connection: live_s3cret is taken. Retrying...",
        "gstreamer error from live_s3cret!",
        "Failed to resolve live_s3cret: Name or service not known",
        "Failed to bind to the source address live_s3cret",
    ]
    reading = run(journal([entry(90 + n, line) for n, line in enumerate(lines)]))
    assert named(reading) == [("srt_connect_failed", 1), ("relay_unreachable", 0)]
    assert "s3cret" not in repr(reading)


def test_a_flood_is_read_in_bounded_parts_and_nothing_is_lost(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is counted in lines here: a clock that moves on by a second each time it is asked."""
    clock = iter(range(1_000_000))
    monkeypatch.setattr(stream_events, "monotonic", lambda: next(clock))
    root = journal([*[entry(90 + n / 1000, f"noise {n}", KERNEL) for n in range(40)], entry(91, DOWN)])
    state, lines, events = "", [], []
    for _ in range(8):
        reading = run(root, state)
        state = reading.state
        lines.append(reading.samples[0].value)
        events += named(reading)
    assert sum(value for value in lines if isinstance(value, int)) == 41
    assert lines[:3] == [6, 6, 6]
    assert events == [("all_links_down", 0)]


def test_events_of_one_run_are_bounded(journal: Journal) -> None:
    killed = "Out of memory: Killed process 1 (a) total-vm:1kB"
    root = journal([entry(90 + n / 1000, killed, KERNEL) for n in range(stream_events.EVENTS + 7)])
    first = run(root)
    assert len(first.events) == stream_events.EVENTS
    assert len(run(root, first.state).events) == 7


def test_a_hundred_thousand_lines_take_one_run_or_a_few(journal: Journal) -> None:
    root = journal(entry(50 + n / 10_000, f"noise {n}", KERNEL) for n in range(100_000))
    root = journal([entry(61, DOWN)])
    state, events, lines = "", [], 0
    for _ in range(50):
        reading = run(root, state)
        state = reading.state
        lines += int(str(reading.samples[0].value))
        events += named(reading)
        if reading.samples[0].value == 0:
            break
    assert lines == 100_001
    assert events == [("all_links_down", 0)]


@pytest.mark.parametrize("state", ["x", "\n\n\n", "s=1;i=2\nx\na=b=c\n1 2 3", "\nrubbish\n=\n" + "x" * 10_000])
def test_a_state_that_another_version_left(journal: Journal, state: str) -> None:
    assert named(run(journal([entry(90, DOWN)]), state)) == [("all_links_down", 0)]


def adapter(second: float, said: str) -> Entry:
    return entry(second, f"rndis_host 1-2:1.0 {said}", KERNEL)


def found_as(second: float, name: str) -> list[Entry]:
    """What a kernel said of a telephone that was plugged in, and udev had done a moment later."""
    registered = "usb0: register 'rndis_host' at usb-0000:00:14.0-2, RNDIS device, 62:2f:90:cb:72:7f"
    return [adapter(second, registered), adapter(second + 0.024, f"{name}: renamed from usb0")]


def test_an_adapter_that_udev_renames_is_told_of_by_the_name_that_it_keeps(journal: Journal) -> None:
    """Else the one that went would never be back. It comes and goes twice in a minute, and another one with it."""
    gone = "enp0s20u2: unregister 'rndis_host' usb-0000:00:14.0-2, RNDIS device"
    wlan = entry(61, "iwlwifi 0000:02:00.0 wlp2s0: renamed from wlan0", KERNEL)
    lines = [*found_as(60, "enp0s20u2"), wlan, adapter(70, gone)]
    lines += [*found_as(75, "enp0s20u2"), *found_as(76, "enp0s20u9"), adapter(80, gone)]
    reading = run(journal(lines))
    assert [(event.name, event.tags["interface"]) for event in reading.events] == [
        ("modem_found", "enp0s20u2"),
        ("modem_gone", "enp0s20u2"),
        ("modem_found", "enp0s20u2"),
        ("modem_found", "enp0s20u9"),
        ("modem_gone", "enp0s20u2"),
    ]
