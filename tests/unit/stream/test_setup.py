"""How a stream is set up, from its command lines; and that its secret stays there."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.stream import setup
from belabox_metrics.stream.processes import ENCODER, Process

SECRET = "live_s3cret"
ARGUMENTS = ["/usr/bin/belacoder", "/tmp/p", "127.0.0.1", "9000", "-d", "-40", "-b", "/tmp/br", "-l", "1500"]


@pytest.mark.parametrize(
    "arguments",
    [
        [*ARGUMENTS, "-s", SECRET],
        [*ARGUMENTS, f"-s{SECRET}"],
        [*ARGUMENTS[:1], "-s", SECRET, *ARGUMENTS[1:]],
        [*ARGUMENTS, "-r", "-s", SECRET],
        [*ARGUMENTS, "-s"],
        ["belacoder", "-s", SECRET],
    ],
)
def test_the_stream_id_is_dropped_wherever_it_stands(arguments: list[str]) -> None:
    assert SECRET not in repr(setup.encoder(arguments))


def test_the_encoder() -> None:
    positions, options = setup.encoder([*ARGUMENTS, "-s", SECRET])
    assert positions == ["/tmp/p", "127.0.0.1", "9000"]
    assert options == {"d": "-40", "b": "/tmp/br", "l": "1500"}


@pytest.mark.parametrize(
    ("given", "latency_ms"), [("1500", 1500), ("-40", -40), ("--40", None), ("-", None), ("", None), ("1" * 10, None)]
)
def test_what_is_no_number_is_not_known(tmp_path: Path, given: str, latency_ms: int | None) -> None:
    """Anybody may call a program so, and give it any arguments."""
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cmdline").write_text("\0".join([*ARGUMENTS[:-1], given, ""]))
    assert setup.read(str(tmp_path), {ENCODER: Process(7, 0)}).get("latency_ms") == latency_ms


@pytest.mark.parametrize(
    ("arguments", "relay"),
    [
        (["srtla_send", "9000", "relay.example.net", "5000", "/tmp/srtla_ips"], "relay.example.net:5000"),
        (["srtla_send", "9000", "2001:db8::1", "5000", "/tmp/srtla_ips"], "2001:db8::1:5000"),
        (["srtla_send", "9000", f"user:{SECRET}@relay", "5000", "/tmp/srtla_ips"], None),
        (["srtla_send", "9000", "relay", f"5000?key={SECRET}", "/tmp/srtla_ips"], None),
        (["srtla_send", "9000", "", "5000", "/tmp/srtla_ips"], None),
        (["srtla_send", "-h"], None),
        ([], None),
    ],
)
def test_the_relay(arguments: list[str], relay: str | None) -> None:
    assert setup.bonder(arguments).get("relay") == relay


@pytest.mark.parametrize(
    ("pipeline", "source", "encoder"),
    [
        ("v4l2src device=/dev/hdmirx ! mpph265enc ! mux. alsasrc ! voaacenc ! mux.", "v4l2src", "mpph265enc"),
        ("alsasrc ! mux.\nv4l2src !\n x264enc ! h264parse", "v4l2src", "x264enc"),
        ("h265parse ! 'mpph265enc' !", None, None),
        ("! ! !", None, None),
        ("", None, None),
    ],
)
def test_the_elements_of_a_pipeline(pipeline: str, source: str | None, encoder: str | None) -> None:
    found = setup.elements(pipeline)
    assert (found.get("video_source"), found.get("video_encoder")) == (source, encoder)
