from __future__ import annotations

from typing import Callable

import pytest

from belabox_metrics.collectors import disk_io
from belabox_metrics.errors import ConfigProblem, NoData, SourceProblem
from belabox_metrics.selection import Selection
from belabox_metrics.world import Reading, World, defaults

OLD = "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n"


def world(root: str, pattern: str = "", state: str = "") -> World:
    return World(root, {"allowed_devices": pattern}, state)


def by_device(reading: Reading) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for sample in reading.samples:
        found.setdefault(sample.tags["device"], {})[sample.name] = sample.value
    return found


def test_a_box(box: str) -> None:
    assert by_device(disk_io.collect(world(box))) == {
        "mmcblk0": {
            "disk.read_ops_total": 18422,
            "disk.write_ops_total": 30915,
            "disk.read_bytes_total": 1403914 * 512,
            "disk.write_bytes_total": 1180442 * 512,
            "disk.read_time_ms_total": 21877,
            "disk.write_time_ms_total": 98114,
            "disk.io_time_ms_total": 64120,
            "disk.weighted_io_time_ms_total": 124550,
        },
        "nvme0n1": {
            "disk.read_ops_total": 9113,
            "disk.write_ops_total": 51220,
            "disk.read_bytes_total": 801256 * 512,
            "disk.write_bytes_total": 9023104 * 512,
            "disk.read_time_ms_total": 2704,
            "disk.write_time_ms_total": 40118,
            "disk.io_time_ms_total": 28416,
            "disk.weighted_io_time_ms_total": 44120,
        },
    }


def test_ten_mebibytes_written_in_ten_seconds(box: str, later: str) -> None:
    first, second = (by_device(disk_io.collect(world(root))) for root in (box, later))
    name = "disk.write_bytes_total"
    assert int(str(second["nvme0n1"][name])) - int(str(first["nvme0n1"][name])) == 10 * 1024 * 1024


@pytest.mark.parametrize("extra", ["", " 12 13 14 15", " 12 13 14 15 16 17"], ids=["2.6", "4.18", "5.5"])
def test_a_line_of_every_kernel(put: Callable[[str, str], str], extra: str) -> None:
    found = by_device(disk_io.collect(world(put("/proc/diskstats", OLD.replace("\n", extra + "\n")))))
    assert list(found["sda"].values()) == [1, 5, 3 * 512, 7 * 512, 4, 8, 10, 11]


@pytest.mark.parametrize(
    ("device", "whole"),
    [
        ("sda", True), ("sdaa", True), ("nvme0n1", True), ("nvme12n3", True), ("mmcblk0", True),
        ("mmcblk1", True), ("vda", True), ("xvda", True), ("sda1", False), ("nvme0n1p1", False),
        ("nvme0c0n1", False), ("mmcblk0p2", False), ("mmcblk0boot0", False), ("mmcblk0rpmb", False),
        ("vda1", False), ("xvda1", False), ("loop0", False), ("zram0", False), ("ram0", False),
        ("dm-0", False), ("md0", False), ("sr0", False),
        ("mtdblock0", False), ("nbd0", False), ("xsda", False), ("sda\n", False),
    ],
)  # fmt: skip
def test_whole_disks_only(device: str, whole: bool) -> None:
    assert Selection([disk_io.WHOLE_DISKS], []).takes(device) is whole


def test_the_pattern_can_be_changed(box: str) -> None:
    assert list(by_device(disk_io.collect(world(box, "^(mmcblk0p2|zram.*)$")))) == ["mmcblk0p2", "zram0"]
    with pytest.raises(NoData, match="allowed_devices"):
        disk_io.collect(world(box, "nothing"))
    with pytest.raises(ConfigProblem, match="not a regular expression"):
        disk_io.collect(world(box, "sd["))


def test_the_second_run_knows_the_names(box: str) -> None:
    state = disk_io.collect(world(box)).state
    assert "+nvme0n1" in state.split(" ")
    assert "-nvme0n1p1" in state.split(" ")
    again = disk_io.collect(world(box, state=state))
    assert again.state == state
    assert list(by_device(again)) == ["mmcblk0", "nvme0n1"]


def test_defaults() -> None:
    assert defaults(disk_io.SETTINGS) == {"allowed_devices": ""}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (OLD[:-1].encode(), "ends in the middle of a line"),
        (b"8 0\n", ":1: has a line without a device"),
        (b"8 0 sda 1 2 3\n", ":1: sda has 6 of 14 fields"),
        (OLD.replace(" 3 ", " -3 ").encode(), ":1: sda field 6 is '-3', not an unsigned number"),
        (OLD.replace(" 1 ", " " + "7" * 400 + " ").encode(), "not an unsigned number"),
        (OLD.encode() + b"8 1 sdb 1 2 \xff 4 5 6 7 8 9 10 11\n", ":2: sdb field 6 is '\\\\xff'"),
    ],
)
def test_bad_input_is_one_clear_line(put: Callable[[str, bytes], str], content: bytes, says: str) -> None:
    root = put("/proc/diskstats", content)
    with pytest.raises(SourceProblem) as caught:
        disk_io.collect(world(root))
    assert str(caught.value).startswith(f"{root}/proc/diskstats")
    assert says in str(caught.value)


@pytest.mark.parametrize("content", ["", "7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"], ids=["empty", "loops only"])
def test_a_machine_without_disks_is_no_data(put: Callable[[str, str], str], content: str) -> None:
    with pytest.raises(NoData):
        disk_io.collect(world(put("/proc/diskstats", content)))


def test_a_broken_line_of_a_device_nobody_wants_does_no_harm(put: Callable[[str, str], str]) -> None:
    assert len(disk_io.collect(world(put("/proc/diskstats", "7 0 loop0 x\n" + OLD))).samples) == 8
