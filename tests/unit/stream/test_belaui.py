"""What the lines of the stream's programs mean."""

from __future__ import annotations

import pytest

from belabox_metrics.stream import belaui

from .conftest import FIXTURES, recorded

LINK = "10.75.12.34 (0x55a0c8d0a2b0): "


@pytest.mark.parametrize(
    ("line", "name", "priority", "tags"),
    [
        ("warning: no available connections", "all_links_down", 0, {}),
        ("Failed to parse any IP addresses in /tmp/srtla_ips", "all_links_down", 0, {}),
        ("Failed to open and bind to any of the IP addresses in /tmp/srtla_ips", "all_links_down", 0, {}),
        ("The SRT connection timed out, exiting", "srt_lost", 0, {"reason": "timeout"}),
        ("The SRT connection failed, exiting", "srt_lost", 0, {"reason": "send_failed"}),
        ("Pipeline stall detected. Will exit now", "pipeline_stall", 0, {}),
        ("gstreamer error from v4l2src0", "capture_error", 0, {"element": "v4l2src0"}),
        ("gstreamer error from alsasrc0", "capture_error", 0, {"element": "alsasrc0"}),
        ("gstreamer eos from v4l2src0", "capture_error", 0, {"element": "v4l2src0"}),
        ("Failed to re-establish any connections to 10.0.0.1", "relay_unreachable", 0, {"reason": "no_answer"}),
        ("Failed to establish any initial connections to r.net", "relay_unreachable", 0, {"reason": "no_answer"}),
        (
            "Failed to resolve relay.example.net: Name or service not known",
            "relay_unreachable",
            0,
            {"reason": "not_resolved"},
        ),
        ("SRT connected to 127.0.0.1:9000. Negotiated latency: 2000 ms", "srt_connected", 1, {}),
        (LINK + "connection established", "link_up", 1, {}),
        (LINK + "connection failed, attempting to reconnect", "link_down", 1, {"reason": "no_answer"}),
        (LINK + "sendto() failed, disabling the connection", "link_down", 1, {"reason": "send_failed"}),
        ("Failed to bind to the source address 10.75.12.34", "link_down", 1, {"reason": "no_address"}),
        ("  start: {", "start_requested", 1, {}),
        ("{ stop: 0 }", "stop_requested", 1, {}),
    ],
)
def test_what_a_line_tells(line: str, name: str, priority: int, tags: dict[str, str]) -> None:
    found = belaui.finding(line)
    assert found is not None
    assert (found.name, found.priority, found.tags) == (name, priority, tags)
    assert found.text
    assert found.address == ("10.75.12.34" if name.startswith("link_") else "")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("connection timed out", "timeout"),
        ("streamid already in use", "streamid_in_use"),
        ("invalid streamid", "streamid_invalid"),
        ("failed to resolve address", "not_resolved"),
        ("failed to open the SRT socket", "no_socket"),
        ("unknown", "unknown"),
        ("something a later version says of live_secret", "unknown"),
    ],
)
def test_why_srt_did_not_connect(said: str, reason: str) -> None:
    found = belaui.finding(f"Failed to establish an SRT connection: {said}. Retrying...")
    assert found is not None
    assert (found.name, found.tags) == ("srt_connect_failed", {"reason": reason})
    assert "secret" not in found.text


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "    srt_streamid: 'live_secret',",
        "start: {",
        "{ stop: 0 } ",
        "gstreamer eos from pipeline0",  # follows every end, the asked for as well
        "gstreamer error from " + "x" * 1000,
        "gstreamer error from v4l2src0\nwarning: no available connections",
        "gstreamer warning from v4l2src0",
        "Failed to bind to the source address live_secret",
        "999.1.1.1 (0x55a0c8d0a2b0): connection established",
        "10.75.12.34 (0x55a0c8d0a2b0): got a mismatching ID in SRTLA_REG2",
        "10.75.12.34: connection established",
        "Added connection via 127.0.0.2 (0x55e64be5a510)",  # written at exit, its time means nothing
        "cb_ptsfixup: framerate: 30 / 1, period is 33333333",
        "\\xff\\xfe",
    ],
)
def test_what_is_not_known_tells_nothing(line: str) -> None:
    assert belaui.finding(line) is None


def test_of_a_recorded_stream_the_lines_that_tell_something_are_these() -> None:
    names = [found.name for line in recorded("journal-belaUI.jsonl") if (found := belaui.finding(str(line["MESSAGE"])))]
    lost = ["link_down", "link_down", "all_links_down", "srt_lost", "all_links_down", "all_links_down"]
    up = ["link_up", "link_up", "srt_connected"]
    assert names == ["start_requested", *up, *lost, *up, "stop_requested"]


def test_all_that_the_programs_may_say_of_a_failure_is_known() -> None:
    quiet = ("no dynamic bitrate control", "not applying a delay", "not removing PTS jitter", "mismatching ID")
    for file in ("belacoder-other-lines.txt", "srtla_send-other-lines.txt"):
        for line in (FIXTURES / "belabox" / file).read_text().splitlines():
            assert (belaui.finding(line) is None) == any(word in line for word in quiet), line
