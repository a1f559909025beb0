"""A stand-in for v4l2-ctl that prints what was recorded, and keeps account of what it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.collectors import hdmi_input
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading, World

STAND_IN = """#!/bin/sh
echo "$*" >>{root}/asked
case "$*" in
*--get-ctrl=power_present) cat {root}/present; exit $(cat {root}/present_code) ;;
*--query-dv-timings) cat {root}/timings; exit $(cat {root}/timings_code) ;;
esac
exit 9
"""
NAME = "sys/class/video4linux/video0/name"


class Board:
    """A board with an HDMI receiver, as a folder, and runs of the collector on it."""

    def __init__(self, root: Path, recorded: Path) -> None:
        self.root = root
        self._recorded = recorded
        self.state = ""
        for path in ("usr/bin", "sys/class/video4linux/video0", "proc"):
            (root / path).mkdir(parents=True)
        (root / NAME).write_text("stream_hdmirx\n")
        program = root / "usr/bin/v4l2-ctl"
        program.write_text(STAND_IN.format(root=root))
        program.chmod(0o755)
        self.interrupts(37)

    def interrupts(self, count: int) -> None:
        (self.root / "proc/interrupts").write_text(f" CPU0\n 61: {count} GICv3 210 Level rk_hdmirx-hdmi\n")

    def source(self, present: str, timings: str = "query-dv-timings-no-signal.txt", code: int = 0) -> None:
        """What is plugged in from now on: names of recorded answers, and the exit code of the second query."""
        self._answer("present", self._recorded / f"get-ctrl-power_present-{present}.txt", 0)
        self._answer("timings", self._recorded / timings, code)

    def _answer(self, name: str, file: Path, code: int) -> None:
        (self.root / name).write_text(file.read_text())
        (self.root / f"{name}_code").write_text(str(code))

    def run(self, elapsed_ms: int = 10_000) -> Reading:
        reading = hdmi_input.collect(World(str(self.root), {}, self.state, elapsed_ms if self.state else None))
        self.state = reading.state
        return reading

    def queries(self) -> int:
        """How often the mode was asked for since the last call."""
        asked = self.root / "asked"
        count = asked.read_text().count("--query-dv-timings") if asked.exists() else 0
        asked.write_text("")
        return count


@pytest.fixture
def board(tmp_path: Path, fixtures: Path) -> Board:
    return Board(tmp_path, fixtures / "v4l2")


def values(reading: Reading) -> dict[str, object]:
    return {sample.name.partition(".")[2]: sample.value for sample in reading.samples}


GOOD = "query-dv-timings-1080p60.txt"


def test_a_box(box: str) -> None:
    reading = hdmi_input.collect(World(box))
    assert reading.samples == [
        Sample("hdmi.present", 1),
        Sample("hdmi.signal", 1),
        Sample("hdmi.width_pixels", 1920),
        Sample("hdmi.height_pixels", 1080),
        Sample("hdmi.interlaced", 0),
        Sample("hdmi.mode", "1920x1080p60"),
        Sample("hdmi.frame_rate_fps", 60.0),
        Sample("hdmi.interruptions_total", 0),
    ]
    assert reading.warnings == []


@pytest.mark.parametrize(
    ("timings", "mode", "rate"),
    [
        ("1080p60", "1920x1080p60", 60.0),
        ("1080p29.97", "1920x1080p29.97", 29.97),
        ("2160p60", "3840x2160p60", 60.0),
        ("1080i60", "1920x1080i60", 30.0),
    ],
)
def test_modes(board: Board, timings: str, mode: str, rate: float) -> None:
    board.source("1", f"query-dv-timings-{timings}.txt")
    found = values(board.run())
    assert (found["signal"], found["mode"], found["frame_rate_fps"]) == (1, mode, rate)
    assert found["interlaced"] == int("i" in mode)
    asked = (board.root / "asked").read_text().splitlines()
    assert asked == [
        f"-d {board.root}/dev/video0 --get-ctrl=power_present",
        f"-d {board.root}/dev/video0 --query-dv-timings",
    ]


def test_a_rate_that_is_not_told_is_none(board: Board, fixtures: Path) -> None:
    text = (fixtures / "v4l2" / GOOD).read_text().replace("148504000 Hz (60.00 frames per second)", "0 Hz")
    assert "Pixelclock: 0 Hz\n" in text
    found = hdmi_input.parse_mode(text, "")
    assert (str(found), found and found.rate) == ("1920x1080p", 0)


@pytest.mark.parametrize("timings", ["no-signal", "no-lock"])
def test_without_a_signal_nothing_is_told_of_a_mode(board: Board, timings: str) -> None:
    board.source("1", f"query-dv-timings-{timings}.txt", 255)
    assert values(board.run()) == {"present": 1, "signal": 0, "interruptions_total": 0}


def test_nothing_plugged_in_is_not_asked_for_its_mode(board: Board) -> None:
    """As on a box whose picture comes from a capture card on USB."""
    board.source("0")
    for _ in range(3):
        assert values(board.run()) == {"present": 0, "interruptions_total": 0}
    assert board.queries() == 0


def test_a_query_that_fails_is_hardly_repeated(board: Board) -> None:
    board.source("1", "query-dv-timings-no-signal.txt", 255)
    told = []
    for _ in range(120):  # twenty minutes
        told.append(values(board.run())["signal"])
    # At once, after one, two and four minutes, then every five.
    assert [at for at, signal in enumerate(told) if signal == 0] == [0, 6, 18, 42, 72, 102]
    assert set(told) == {0, None}
    assert board.queries() == 6


def test_a_signal_that_comes_back_is_soon_seen(board: Board) -> None:
    board.source("1", "query-dv-timings-no-signal.txt", 255)
    for _ in range(100):
        board.run()
    board.queries()
    board.source("1", GOOD)
    board.interrupts(38)
    runs = 1
    while values(board.run())["signal"] is None:
        runs += 1
    assert runs <= 3
    # One that is asked well is asked each time.
    for _ in range(5):
        assert values(board.run())["signal"] == 1


def test_a_receiver_that_flickers_fills_no_log(board: Board) -> None:
    board.source("1", "query-dv-timings-no-lock.txt", 255)
    for at in range(60):  # ten minutes
        board.interrupts(100 + at)
        board.run()
    assert board.queries() == 20


def test_after_a_plug_it_is_asked_at_once(board: Board) -> None:
    board.source("1", "query-dv-timings-no-signal.txt", 255)
    for _ in range(20):
        board.run()
    board.queries()
    board.source("0")
    board.run()
    board.source("1", GOOD)
    assert values(board.run())["signal"] == 1
    assert board.queries() == 1


def test_interruptions(board: Board) -> None:
    counts = []
    for present, timings, code in [
        ("1", GOOD, 0),
        ("1", "query-dv-timings-no-signal.txt", 255),  # lost
        ("1", "query-dv-timings-no-signal.txt", 255),
        ("0", GOOD, 0),
        ("1", GOOD, 0),
        ("0", GOOD, 0),  # pulled out
        ("0", GOOD, 0),
        ("1", GOOD, 0),
    ]:
        board.source(present, timings, code)
        counts.append(values(board.run(400_000))["interruptions_total"])
    assert counts == [0, 1, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("state", ["", "x", "1 1 1", "1 1 -1 0 0 0", "9" * 500, "1 1 5 0 0 0 0 0"])
def test_a_state_of_another_version(board: Board, state: str) -> None:
    board.source("1", GOOD)
    board.state = state
    assert values(board.run())["interruptions_total"] == 0


def test_a_board_without_a_receiver(board: Board) -> None:
    (board.root / NAME).write_text("USB Video\n")
    with pytest.raises(NoData, match="no HDMI input"):
        board.run()
    for path in ("sys/class/video4linux/video0/name", "sys/class/video4linux/video0", "sys/class/video4linux"):
        file = board.root / path
        file.unlink() if file.is_file() else file.rmdir()
    with pytest.raises(NoData, match="no HDMI input"):
        board.run()


def test_a_board_without_the_program(board: Board) -> None:
    (board.root / "usr/bin/v4l2-ctl").unlink()
    with pytest.raises(NoData, match=r"v4l2-ctl is not installed \(package v4l-utils\)"):
        board.run()


def test_the_real_program_on_a_node_that_is_not_there(board: Board) -> None:
    program = board.root / "usr/bin/v4l2-ctl"
    program.unlink()
    program.symlink_to("/usr/bin/v4l2-ctl")
    with pytest.raises(SourceProblem, match="Cannot open device"):
        board.run()


@pytest.mark.parametrize("text", ["", "power_present: 2\n", "power_present: \n", "unknown control\n", "\x00"])
def test_an_answer_about_the_plug_that_is_none(board: Board, text: str) -> None:
    board.source("1")
    (board.root / "present").write_text(text)
    with pytest.raises(SourceProblem, match="does not tell whether"):
        board.run()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("", ""),
        ("Active width: 1920", "Active width: -1"),
        ("Active width: 1920", "Active width: many"),
        ("Active height", "Passive height"),
        ("Pixelclock", "Clock"),
    ],
)
def test_an_answer_about_the_mode_that_is_none(board: Board, wrong: str, right: str) -> None:
    board.source("1", GOOD)
    timings = board.root / "timings"
    timings.write_text(timings.read_text().replace(wrong, right) if wrong else "")
    with pytest.raises(SourceProblem, match="does not tell the mode"):
        board.run()


@pytest.mark.parametrize(
    "clock", ["0 Hz", "1 Hz (nan frames per second)", "(99999 frames per second)", "(6.0.0 frames per second)", "("]
)
def test_a_rate_that_can_not_be_is_left_out(board: Board, clock: str) -> None:
    board.source("1", GOOD)
    timings = board.root / "timings"
    timings.write_text(timings.read_text().replace("148504000 Hz (60.00 frames per second)", clock))
    found = values(board.run())
    assert found["signal"] == 1
    assert "frame_rate_fps" not in found


def test_zeros_are_no_mode_even_when_the_query_went_well(board: Board) -> None:
    board.source("1", "query-dv-timings-no-signal.txt", 0)
    timings = board.root / "timings"
    timings.write_text(timings.read_text().partition("\n")[2])
    assert values(board.run())["signal"] == 0


def test_a_query_that_dies_is_no_lost_signal(board: Board) -> None:
    board.source("1", GOOD, 1)
    with pytest.raises(SourceProblem):
        board.run()
