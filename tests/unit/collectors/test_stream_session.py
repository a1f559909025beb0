"""Sessions, as the process table shows them."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from belabox_metrics.collectors import stream_session
from belabox_metrics.errors import NoData, Problem
from belabox_metrics.json_text import parse as parse_json
from belabox_metrics.world import Reading, World

SECRET = "REDACTED-STREAM-ID"
NOW = 1_795_200_000_000


class Box:
    """A folder with a process table, and the time since boot that the test says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now_s = 1000.0
        self.state = ""
        self.wall_ms = NOW
        self.start(1, "systemd", 0, at_s=0)
        self.start(812, "nodejs", 1, at_s=20)

    def start(self, pid: int, comm: str, parent: int = 812, at_s: float | None = None, state: str = "S") -> None:
        folder = self.root / f"proc/{pid}"
        folder.mkdir(parents=True, exist_ok=True)
        ticks = int((self.now_s if at_s is None else at_s) * 100)
        (folder / "comm").write_text(f"{comm}\n")
        (folder / "stat").write_text(f"{pid} ({comm}) {state} {parent} {'0 ' * 17}{ticks} 0 0\n")
        (folder / "cmdline").write_bytes(b"")

    def stop(self, *pids: int) -> None:
        for pid in pids:
            shutil.rmtree(self.root / f"proc/{pid}")

    def run(self, after_s: float = 10) -> Reading:
        self.now_s += after_s
        (self.root / "proc/uptime").write_text(f"{self.now_s:.2f} 1.00\n")
        world = World(str(self.root), {}, self.state, 10_000, self.wall_ms + int((self.now_s - 1000) * 1000))
        reading = stream_session.collect(world)
        self.state = reading.state
        return reading

    def at(self, second: float) -> int:
        return self.wall_ms + int((second - 1000) * 1000)


@pytest.fixture
def stream(tmp_path: Path) -> Box:
    """Live since second 1000."""
    box = Box(tmp_path)
    box.start(2204, "srtla_send")
    box.start(2211, "belacoder")
    return box


def values(reading: Reading) -> dict[str, object]:
    return {sample.name: sample.value for sample in reading.samples}


def test_a_box_that_streams(fixtures: Path) -> None:
    reading = stream_session.collect(World(str(fixtures / "belabox-live"), {}, now_ms=NOW))
    assert values(reading) == {"stream.live": 1, "stream.uptime_seconds": 612.48, "stream.reconnects_total": 0}
    assert reading.session is not None
    assert reading.session.live is not None
    assert reading.session.live.start_ms == NOW - 612_480
    assert parse_json(reading.session.live.metadata) == {
        "pipeline": "/tmp/belacoder_pipeline",
        "video_source": "v4l2src",
        "video_encoder": "mpph265enc",
        "latency_ms": 2000,
        "delay_ms": 0,
        "bitrate_min_bps": 300_000,
        "bitrate_max_bps": 6_000_000,
        "relay": "relay.example.net:5000",
    }
    (started,) = reading.events
    assert (started.name, started.wall_ms) == ("session_started", NOW - 612_480)


def test_the_stream_id_stays_where_it_is(fixtures: Path) -> None:
    root = fixtures / "belabox-live"
    assert SECRET.encode() in (root / "proc/2211/cmdline").read_bytes()
    reading = stream_session.collect(World(str(root), {}, now_ms=NOW))
    assert reading.session is not None
    assert reading.session.live is not None
    assert SECRET not in repr(reading) + reading.session.live.metadata


def test_a_box_that_does_not_stream(box: str) -> None:
    reading = stream_session.collect(World(box))
    assert values(reading) == {"stream.live": 0}
    assert reading.state == ""
    assert reading.session is not None
    assert reading.session.live is None
    assert reading.session.ended is None


def test_a_stream_from_start_to_end(stream: Box) -> None:
    first = stream.run()
    assert values(first)["stream.uptime_seconds"] == 10
    stream.run()
    stream.stop(2204, 2211)
    gone = stream.run()
    assert values(gone)["stream.live"] == 0
    assert gone.session is not None
    assert gone.session.live is not None  # it may come back
    reading = stream.run()
    assert reading.session is not None
    assert reading.session.live is None
    ended = reading.session.ended
    assert ended is not None
    assert (ended.start_ms, ended.end_ms, ended.status) == (stream.at(1000), stream.at(1020), "completed")
    assert [event.name for event in reading.events] == ["session_ended"]
    assert values(reading) == {"stream.live": 0}
    assert stream.run().events == []


def identity(reading: Reading) -> str:
    assert reading.session is not None
    assert reading.session.live is not None
    return reading.session.live.id


def test_an_encoder_started_anew_is_a_reconnect_of_the_same_session(stream: Box) -> None:
    before = identity(stream.run())
    stream.stop(2211)
    assert values(stream.run())["stream.live"] == 1
    stream.start(2397, "belacoder")
    reading = stream.run()
    assert identity(reading) == before
    assert values(reading)["stream.reconnects_total"] == 1
    assert values(stream.run())["stream.reconnects_total"] == 1


def test_the_same_pid_may_be_another_process(stream: Box) -> None:
    stream.run()
    stream.start(2211, "belacoder", at_s=1015)
    assert values(stream.run())["stream.reconnects_total"] == 1


@pytest.mark.parametrize(("gap_s", "same"), [(9, True), (11, False)])
def test_a_gap_of_ten_seconds_makes_another_session(stream: Box, gap_s: float, same: bool) -> None:
    before = identity(stream.run())
    stream.stop(2204, 2211)
    stream.start(3001, "srtla_send", at_s=stream.now_s + gap_s)
    # However late it is noticed: a timer may stall.
    reading = stream.run(60)
    assert (identity(reading) == before) is same
    assert reading.session is not None
    assert (reading.session.ended is None) is same
    assert [event.name for event in reading.events] == ([] if same else ["session_ended", "session_started"])


def test_a_stream_that_ends_with_what_started_it_has_failed(stream: Box) -> None:
    stream.run()
    stream.stop(812, 2204, 2211)
    reading = stream.run(20)
    assert reading.session is not None
    assert reading.session.ended is not None
    assert reading.session.ended.status == "failed"


def test_what_started_it_may_have_any_name(stream: Box) -> None:
    stream.start(812, "a) S (b", 1, at_s=20)
    stream.run()
    stream.stop(812, 2204, 2211)
    reading = stream.run(20)
    assert reading.session is not None
    assert reading.session.ended is not None
    assert reading.session.ended.status == "failed"


def test_a_zombie_does_not_stream(stream: Box) -> None:
    stream.run()
    for pid, comm in ((2204, "srtla_send"), (2211, "belacoder")):
        stream.start(pid, comm, at_s=1000, state="Z")
    assert values(stream.run())["stream.live"] == 0


def test_the_start_follows_a_clock_that_is_set_later(stream: Box) -> None:
    stream.wall_ms = 1_600_000_000_000  # no battery
    stream.run()
    stream.wall_ms = NOW
    reading = stream.run()
    assert reading.session is not None
    assert reading.session.live is not None
    assert reading.session.live.start_ms == stream.at(1000)


@pytest.mark.parametrize(
    "stat",
    ["", "2211", "2211 (belacoder) S", "2211 (belacoder) S 1 " + "x " * 30, "2211 (belacoder S 1 2 3\n", "\x00" * 900],
)
def test_a_process_that_can_not_be_read_is_none(stream: Box, stat: str) -> None:
    (stream.root / "proc/2211/stat").write_text(stat)
    stream.stop(2204)
    assert values(stream.run())["stream.live"] == 0


@pytest.mark.parametrize("comm", ["belacoder2", "belacode", "a) belacoder", "belacoder\nx"])
def test_other_names_are_other_programs(tmp_path: Path, comm: str) -> None:
    box = Box(tmp_path)
    box.start(99, comm)
    assert values(box.run())["stream.live"] == 0


@pytest.mark.parametrize(
    "state",
    ["x", "session \nseen_ms x", "session a\nbelacoder x y", "session a\nfacts {", "facts []", "session a\nseen_ms -1"],
)
def test_a_state_that_another_version_left(stream: Box, state: str) -> None:
    stream.state = state
    assert values(stream.run())["stream.live"] == 1


def test_without_a_process_table(tmp_path: Path) -> None:
    with pytest.raises(NoData):
        stream_session.collect(World(str(tmp_path)))
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/uptime").write_text("soon\n")
    with pytest.raises(Problem, match="does not begin with seconds"):
        stream_session.collect(World(str(tmp_path)))


def test_real_processes(tmp_path: Path) -> None:
    """On this machine's own table, with programs that only have the names; of those that others run meanwhile, in
    containers that are seen here too, nothing is seen."""
    programs = []
    for name in ("srtla_send", "belacoder"):
        program = tmp_path / name
        shutil.copy("/bin/sleep", program)
        programs.append(subprocess.Popen([program, "600"]))
    table = tmp_path / "root/proc"
    table.mkdir(parents=True)
    for name in ("uptime", "stat", "sys", *(str(process.pid) for process in programs)):
        (table / name).symlink_to(f"/proc/{name}")
    root = str(table.parent)
    began = time.time()
    try:
        reading = stream_session.collect(World(root))
        assert values(reading)["stream.live"] == 1
        assert reading.session is not None
        assert reading.session.live is not None
        assert abs(reading.session.live.start_ms / 1000 - began) < 60
        again = stream_session.collect(World(root, state=reading.state))
        assert identity(again) == identity(reading)
        assert again.events == []
    finally:
        for process in programs:
            process.kill()
            process.wait()
    assert values(stream_session.collect(World(root, state=again.state)))["stream.live"] == 0
