"""A real ffmpeg that encodes in real time: what is read of its reports is what ffprobe finds in its film."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from belabox_metrics.collectors import encoder
from belabox_metrics.errors import NoData
from belabox_metrics.world import World, defaults

from .reading import numbers
from .waiting import until

RATE = 25
SIZE = "320x180"


class Stream:
    """`ffmpeg` in `folder`, with a test picture at `rate` of which it makes RATE frames a second."""

    def __init__(self, folder: Path, rate: int) -> None:
        self.rate = rate
        self.film = folder / "film.ts"
        self.progress = folder / "progress"
        source = ["-re", "-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate={rate}"]
        target = [
            "-r",
            str(RATE),
            "-fps_mode",
            "cfr",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-b:v",
            "400k",
            "-f",
            "mpegts",
        ]
        report = ["-stats_period", "0.25", "-progress", str(self.progress)]
        self.process = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-v", "error", *report, *source, *target, str(self.film)], stdout=subprocess.DEVNULL
        )

    def wait_for(self, blocks: int) -> None:
        until(
            lambda: self.progress.exists() and self.progress.read_text().count("progress=") >= blocks, "no reports come"
        )

    def world(self, state: str = "", elapsed_ms: int | None = None) -> World:
        return World("", {**defaults(encoder.SETTINGS), "progress_file": str(self.progress)}, state, elapsed_ms)

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(120)


@pytest.fixture(params=[RATE, 5], ids=["in step", "too few pictures"])
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stream]:
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    stream = Stream(tmp_path, request.param)
    yield stream
    stream.process.kill()
    stream.process.wait(120)


def test_the_reports_tell_what_is_in_the_film(stream: Stream) -> None:
    stream.wait_for(4)
    first = encoder.collect(stream.world())
    stream.wait_for(12)
    later = numbers(encoder.collect(stream.world(first.state, 2000)))
    assert later["encoder.running"] == 1
    assert later["encoder.output_frame_rate_fps"] == pytest.approx(RATE, rel=0.2)
    assert 0 < later["encoder.output_bitrate_kbps"] < 1000
    assert later["encoder.frames_total"] > numbers(first)["encoder.frames_total"]

    stream.end()
    last = _last_block(stream.progress.read_text())
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", str(stream.film)],
        capture_output=True,
        text=True,
        check=True,
    )
    frames = int(json.loads(shown.stdout)["streams"][0]["nb_read_packets"])
    assert int(last["frame"]) == frames >= later["encoder.frames_total"]
    # A picture that is shown again is no new one, and ffmpeg counts it.
    repeated = later["encoder.frames_duplicated_total"] / later["encoder.frames_total"]
    assert repeated == pytest.approx(1 - stream.rate / RATE, abs=0.1)
    # It has left, and said so.
    assert numbers(encoder.collect(stream.world(first.state, 2000))) == {"encoder.running": 0}


def test_one_that_hangs_is_not_taken_for_a_stream(stream: Stream) -> None:
    stream.wait_for(2)
    stream.process.send_signal(signal.SIGSTOP)
    assert numbers(encoder.collect(stream.world()))["encoder.running"] == 1
    world = stream.world()
    world.now_ms = int(stream.progress.stat().st_mtime * 1000) + world.number("stale_after") + 1000
    with pytest.raises(NoData, match="stale"):
        encoder.collect(world)


def _last_block(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.split("progress=")[-2].splitlines() if "=" in line)
