from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from belabox_metrics.collectors import encoder
from belabox_metrics.encoder import belacoder, ffmpeg_progress, hardware
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading, World, defaults

CORE0, CORE1 = "fdbd0000.rkvenc-core", "fdbe0000.rkvenc-core"
NOW = 1_800_000_000_000
STAT = "18 (belacoder) S 15 15 0 0 -1 4194304 3015 0 36 0 74 23 0 0 20 0 15 0 173973 757497856 6074\n"
GROUP = "sys/fs/cgroup/system.slice/belaUI.service/cgroup.procs"


class Box:
    """An empty box as a folder, and runs of the collector on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = ""

    def put(self, path: str, content: str | Path, age_ms: int = 0) -> None:
        """A file with this content, or that of another file, written `age_ms` ago."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.read_text() if isinstance(content, Path) else content)
        os.utime(file, ns=((NOW - age_ms) * 1_000_000,) * 2)

    def frames(self, count0: int, count1: int = 0) -> None:
        rows = f" 55: {count0} GICv3 133 Level {CORE0}\n 57: {count1} GICv3 136 Level {CORE1}\n"
        self.put("proc/interrupts", f" CPU0\n{rows}")

    def belacoder(self, stat: str = STAT, group: str = GROUP) -> None:
        self.put("tmp/belacoder_br", "300000\n6000000\n")
        self.put("proc/18/stat", stat)
        self.put(group, "11\n18\n")

    def run(self, elapsed_ms: int = 10_000, **settings: object) -> Reading:
        merged = {**defaults(encoder.SETTINGS), **settings}
        reading = encoder.collect(World(str(self.root), merged, self.state, elapsed_ms if self.state else None, NOW))
        self.state = reading.state
        return reading


@pytest.fixture
def empty(tmp_path: Path) -> Box:
    return Box(tmp_path)


def values(reading: Reading) -> dict[str, object]:
    return {sample.name.partition(".")[2]: sample.value for sample in reading.samples if not sample.tags}


def test_a_box_ten_seconds_apart(box: str, later: str) -> None:
    first = encoder.collect(World(box, defaults(encoder.SETTINGS)))
    assert first.samples == []
    second = encoder.collect(World(later, defaults(encoder.SETTINGS), first.state, 10_000))
    assert second.samples == [
        Sample("encoder.running", 1),
        Sample("encoder.frame_rate_fps", 29.9),
        Sample("encoder.core_frame_rate_fps", 29.9, {"core": CORE0}),
        Sample("encoder.core_frame_rate_fps", 0.0, {"core": CORE1}),
        Sample("encoder.load_percent", 11.34),
        Sample("encoder.core_load_percent", 11.34, {"core": CORE0}),
        Sample("encoder.core_utilization_percent", 11.08, {"core": CORE0}),
        Sample("encoder.core_load_percent", 0.0, {"core": CORE1}),
        Sample("encoder.core_utilization_percent", 0.0, {"core": CORE1}),
    ]
    # And nothing since: what the kernel still says of the load is from before.
    third = encoder.collect(World(later, defaults(encoder.SETTINGS), second.state, 10_000))
    assert third.samples == [Sample("encoder.running", 0)]
    assert third.warnings == []


def test_a_box_without_anything(empty: Box) -> None:
    with pytest.raises(NoData, match="nothing on this box tells of an encoder"):
        empty.run()
    empty.put("proc/interrupts", " CPU0\n 1: 5 GIC nvme\n")
    with pytest.raises(NoData, match="nothing on this box tells of an encoder"):
        empty.run()


# The hardware


def test_a_counter_that_went_back_gives_no_rate(empty: Box) -> None:
    empty.frames(4_294_967_290, 100)
    empty.run()
    empty.frames(5, 160)
    assert [sample.tags for sample in empty.run().samples if sample.tags] == [{"core": CORE1}]


def test_the_load_without_anybody_measuring_it(empty: Box, fixtures: Path) -> None:
    for answer in (fixtures / "mpp/load-not-armed.txt", ""):
        empty.put("proc/mpp_service/load", answer)
        empty.state = ""
        empty.frames(0)
        empty.run()
        empty.frames(300)
        reading = empty.run()
        assert values(reading) == {"running": 1, "frame_rate_fps": 30.0}
        assert reading.warnings == []


def test_the_busier_core_is_the_load(fixtures: Path) -> None:
    text = (fixtures / "mpp/load-busy.txt").read_text()
    found = hardware.parse_loads(text)
    assert {core: (load.load, load.utilization) for core, load in found.items()} == {
        CORE0: (98.26, 97.25),
        CORE1: (10.78, 10.69),
    }


@pytest.mark.parametrize(
    "line",
    [
        f"{CORE0} load: 11.34%",
        f"{CORE0} load: 11.34 utilization: 1%",
        f"{CORE0} load: nan% utilization: 1%",
        f"{CORE0} load: -1% utilization: 1%",
        f"{CORE0} load: % utilization: 1%",
        f"{CORE0} load: 999999999.0% utilization: 1%",
        f"{CORE0} last: 1% utilization: 1%",
    ],
)
def test_a_load_that_can_not_be_read_leaves_the_frames(empty: Box, line: str) -> None:
    empty.put("proc/mpp_service/load", line + "\n")
    empty.frames(0)
    empty.run()
    empty.frames(300)
    reading = empty.run()
    assert values(reading) == {"running": 1, "frame_rate_fps": 30.0}
    assert len(reading.warnings) == 1
    assert "/proc/mpp_service/load:1: " in reading.warnings[0]
    empty.frames(600)
    assert empty.run().warnings == []


def test_a_core_may_seem_busier_than_it_can_be() -> None:
    assert hardware.parse_loads(f"{CORE0} load: 100.12% utilization: 99.9%\n")[CORE0].load == 100


TWO_RUNS = """
import sys
sys.path.insert(0, {lib!r})
from belabox_metrics.collectors import encoder
from belabox_metrics.world import World, defaults
settings = defaults(encoder.SETTINGS)
first = encoder.collect(World({box!r}, settings))
print(len(encoder.collect(World({later!r}, settings, first.state, 10_000)).samples))
"""


def test_the_files_that_can_bring_a_kernel_down_are_not_opened(box: str, later: str, tmp_path: Path) -> None:
    root = shutil.copytree(later, tmp_path / "box")
    for name in ("sessions-summary", "rkvenc-core0/sessions-info"):
        Box(root).put(f"proc/mpp_service/{name}", "")
    lib = str(Path(encoder.__file__).parents[2])
    script = TWO_RUNS.format(lib=lib, box=box, later=str(root))
    traced = ["strace", "-f", "-e", "trace=%file", sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(traced, capture_output=True, text=True, check=True)
    assert done.stdout == "9\n"
    assert f"{root}/proc/mpp_service/load" in done.stderr
    assert "sessions-" not in done.stderr


def test_a_stream_that_has_just_begun_has_no_rate_of_the_time_before(empty: Box, fixtures: Path) -> None:
    """It began five seconds ago, and 150 frames in ten seconds are not 15 a second."""
    empty.put("proc/mpp_service/load", fixtures / "mpp/load-one-1080p30-h265-session.txt")
    empty.frames(0)
    empty.run()
    for count, expected in ((0, {"running": 0}), (0, {"running": 0}), (150, {"running": 1, "load_percent": 11.34})):
        empty.frames(count)
        reading = empty.run()
        assert values(reading) == expected
    assert not [sample for sample in reading.samples if "frame_rate" in sample.name]
    empty.frames(450)
    assert values(empty.run())["frame_rate_fps"] == 30.0


# BELABOX's program


@pytest.mark.parametrize(
    "group", [GROUP, "sys/fs/cgroup/systemd/system.slice/belaUI.service/cgroup.procs", "elsewhere/cgroup.procs"]
)
def test_limits_while_it_runs(empty: Box, group: str) -> None:
    empty.belacoder(group=group)
    reading = empty.run()
    assert reading.samples == [
        Sample("encoder.running", 1),
        Sample("encoder.bitrate_limit_kbps", 300, {"limit": "min"}),
        Sample("encoder.bitrate_limit_kbps", 6000, {"limit": "max"}),
    ]
    assert empty.run().samples == reading.samples


@pytest.mark.parametrize("stat", [STAT.replace(") S", ") Z"), STAT.replace("belacoder", "bash"), "", "18 (belacoder"])
def test_limits_of_a_stream_that_is_over_are_refused(empty: Box, stat: str) -> None:
    empty.belacoder(stat)
    assert empty.run().samples == [Sample("encoder.running", 0)]


def test_a_pid_that_is_used_again_is_not_believed(empty: Box) -> None:
    empty.belacoder()
    empty.run()
    empty.put("proc/18/stat", STAT.replace("belacoder", "bash"))
    empty.put("proc/30/stat", STAT)
    empty.put(GROUP, "11\n30\n")
    assert values(empty.run()) == {"running": 1}


def test_one_that_stalls_runs_without_frames(empty: Box) -> None:
    empty.belacoder()
    empty.frames(500)
    empty.run()
    assert values(empty.run()) == {"running": 1, "frame_rate_fps": 0.0}


def test_a_first_look_decides_nothing_about_other_programs(empty: Box) -> None:
    empty.belacoder(STAT.replace("belacoder", "bash"))
    empty.frames(500)
    assert empty.run().samples == []
    assert empty.run().samples == [Sample("encoder.running", 0)]


@pytest.mark.parametrize(
    "text", ["", "300000\n", "1\n2\n3\n", "6000000\n300000\n", "a\nb\n", "1\n99999999999\n", "-1\n5\n"]
)
def test_limits_that_can_not_be(empty: Box, text: str) -> None:
    empty.put("tmp/belacoder_br", text)
    with pytest.raises(SourceProblem, match="/tmp/belacoder_br"):
        empty.run()
    with pytest.raises(SourceProblem):
        belacoder.limits(str(empty.root))


# ffmpeg -progress

FILE = "/run/progress"


def test_what_ffmpeg_wrote(empty: Box, fixtures: Path) -> None:
    """The real file, as it was when two thirds were written, and five seconds and ten blocks later."""
    whole = (fixtures / "ffmpeg/progress.txt").read_text()
    blocks = whole.split("progress=continue\n")
    early = "progress=continue\n".join(blocks[:20]) + "progress=continue\nframe=7"
    empty.put("run/progress", early, 5_120)
    first = empty.run(progress_file=FILE)
    assert values(first)["frames_total"] == int(blocks[19].partition("\n")[0].partition("=")[2])
    assert "output_frame_rate_fps" not in values(first)
    late = "progress=continue\n".join(blocks[:30]) + "progress=continue\n"
    empty.put("run/progress", late, 0)
    found = values(empty.run(progress_file=FILE))
    assert found["running"] == 1
    assert found["output_frame_rate_fps"] == pytest.approx(30, abs=1)
    assert 1000 < float(str(found["output_bitrate_kbps"])) < 5000
    assert found["frames_dropped_percent"] == 0
    assert (found["frames_dropped_total"], found["frames_duplicated_total"]) == (0, 0)
    assert found["speed_ratio"] == pytest.approx(1, abs=0.01)
    empty.put("run/progress", whole, 0)
    assert empty.run(progress_file=FILE).samples == [Sample("encoder.running", 0)]


def block(end: str = "continue", **pairs: object) -> str:
    return "".join(f"{key}={value}\n" for key, value in {**pairs, "progress": end}.items())


def told(empty: Box, text: str, age_ms: int = 0) -> dict[str, object]:
    empty.put("run/progress", text, age_ms)
    return values(empty.run(progress_file=FILE))


def test_dropped_frames_are_of_those_since_the_last_run(empty: Box) -> None:
    told(empty, block(frame=1000, drop_frames=900, total_size=10, out_time_us=5), 10_000)
    found = told(empty, block(frame=1190, drop_frames=910, total_size=1_000_010, out_time_us=4_000_005))
    assert found["frames_dropped_percent"] == 5.0
    assert found["output_frame_rate_fps"] == 19.0
    assert found["output_bitrate_kbps"] == 2000.0


def test_ffmpeg_that_began_anew_has_no_rates_once(empty: Box) -> None:
    told(empty, block(frame=1000, drop_frames=0, total_size=10, out_time_us=5), 10_000)
    found = told(empty, block(frame=20, drop_frames=0, total_size=5, out_time_us=5), 5_000)
    assert found == {"running": 1, "frames_total": 20, "frames_dropped_total": 0, "output_bytes_total": 5}
    assert told(empty, block(frame=120, drop_frames=0, total_size=6, out_time_us=9))["output_frame_rate_fps"] == 20.0


@pytest.mark.parametrize("before_ms", [200 * 86_400_000, 40_000, -40_000])
def test_a_clock_that_was_set_is_no_time_that_has_passed(empty: Box, before_ms: int) -> None:
    """Before the box knew the time, it wrote and read the file at another one."""
    empty.put("run/progress", block(frame=1000, total_size=10, out_time_us=5), before_ms)
    merged = {**defaults(encoder.SETTINGS), "progress_file": FILE}
    first = encoder.collect(World(str(empty.root), merged, "", None, NOW - before_ms))
    assert values(first)["frames_total"] == 1000
    empty.state = first.state
    found = told(empty, block(frame=1300, total_size=20, out_time_us=9))
    assert found == {"running": 1, "frames_total": 1300, "output_bytes_total": 20}
    empty.put("run/progress", block(frame=1300, total_size=20, out_time_us=9), 10_000)
    empty.run(progress_file=FILE)
    assert told(empty, block(frame=1600, total_size=30, out_time_us=19))["output_frame_rate_fps"] == 30.0


def test_a_file_that_was_not_written_since_has_no_rates(empty: Box) -> None:
    told(empty, block(frame=1000, total_size=10), 5_000)
    assert told(empty, block(frame=1000, total_size=10), 5_000) == {
        "running": 1,
        "frames_total": 1000,
        "output_bytes_total": 10,
    }


def test_what_ffmpeg_does_not_know_is_left_out(empty: Box) -> None:
    text = block(frame=5, total_size="N/A", bitrate="N/A", speed="N/A", drop_frames=-1, stream_0_0_q="nan")
    assert told(empty, text) == {"running": 1, "frames_total": 5}


def test_quantizers_have_their_stream(empty: Box) -> None:
    streams = {f"stream_0_{at}_q": "23.5" for at in range(20)}
    empty.put("run/progress", block(frame=5, stream_0_0_q="-1.0", stream_x_q="1", stream__q="2"))
    samples = empty.run(progress_file=FILE).samples
    assert [(sample.tags, sample.value) for sample in samples if sample.tags] == [({"stream": "0_0"}, -1.0)]
    empty.put("run/progress", block(frame=5, **streams))
    samples = empty.run(progress_file=FILE).samples
    assert len([sample for sample in samples if sample.tags]) == ffmpeg_progress.MOST_STREAMS


@pytest.mark.parametrize("text", ["", "frame=5", "frame=5\n", "frame=5\nfps=3\n"])
def test_a_file_that_has_just_begun(empty: Box, text: str) -> None:
    with pytest.raises(NoData, match="no complete report"):
        told(empty, text)


@pytest.mark.parametrize("text", ["hello\nworld\n", "a=b\n" * 100, block(fps=3), "\0\n" * 70, "progress=end\n"])
def test_a_file_of_something_else(empty: Box, text: str) -> None:
    with pytest.raises(SourceProblem, match="is no file of ffmpeg -progress"):
        told(empty, text)


@pytest.mark.parametrize("age_ms", [16_000, -16_000])
def test_a_file_that_is_stale(empty: Box, age_ms: int) -> None:
    with pytest.raises(NoData, match="is stale"):
        told(empty, block(frame=5), age_ms)
    # Of a box with an encoder of its own that is nothing to fail for.
    empty.frames(0)
    empty.run(progress_file=FILE)
    assert empty.run(progress_file=FILE).samples == [Sample("encoder.running", 0)]


def test_only_the_end_of_a_long_file_is_read(empty: Box) -> None:
    text = "".join(block(frame=at, total_size=at, fps="30.00") for at in range(100_000))
    assert len(text) > 20 * encoder.TAIL
    assert told(empty, text)["frames_total"] == 99_999


# srt-live-transmit


def test_the_rate_at_which_a_stream_leaves(empty: Box, fixtures: Path) -> None:
    empty.put("run/srt.json", fixtures / "srt-live-transmit/tx-stats-loss2pct.json")
    reading = empty.run(statistics_file="/run/srt.json")
    assert [sample.name for sample in reading.samples] == ["encoder.running", "encoder.send_rate_kbps"]
    assert 500 < float(str(reading.samples[1].value)) < 10_000


def test_the_file_of_a_receiver_is_the_wrong_one(empty: Box, fixtures: Path) -> None:
    empty.put("run/srt.json", fixtures / "srt-live-transmit/rx-stats.json")
    with pytest.raises(SourceProblem, match=r"of a receiver.*srt\.packet_loss"):
        empty.run(statistics_file="/run/srt.json")


def test_one_file_may_be_wrong_and_is_named_once(empty: Box, fixtures: Path) -> None:
    empty.put("run/srt.json", fixtures / "srt-live-transmit/rx-stats.json")
    empty.put("run/progress", block(frame=5))
    warned = [empty.run(statistics_file="/run/srt.json", progress_file=FILE).warnings for _ in range(3)]
    assert [len(warnings) for warnings in warned] == [1, 0, 0]


@pytest.mark.parametrize(
    "state",
    ["x", "\n\n\n\n", "\n\n\n\n\n", "a b c\n\n\n\n\n", "a 5 b\n-1\n1 2 3\nx\n\nx", "a 5\n18\n- - - - -\n1 1\n\nidle"],
)
def test_a_state_of_another_version(empty: Box, state: str) -> None:
    empty.belacoder()
    empty.frames(10)
    empty.state = state
    assert values(empty.run()) == {"running": 1}


def test_the_fixture_of_a_box_streams_nothing(box: str, tmp_path: Path) -> None:
    """A copy of it where belacoder runs does."""
    root = shutil.copytree(box, tmp_path / "box")
    copy = Box(root)
    assert copy.run().samples == []
    copy.belacoder()
    assert values(copy.run()) == {"running": 1, "frame_rate_fps": 0.0}
