from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import disk_usage
from belabox_metrics.errors import NoData, SourceProblem

Values = Callable[..., dict[str, object]]
Put = Callable[[str, str], str]
MOUNTS = "/proc/self/mounts"


def test_what_of_a_box_is_asked(fixtures: Path) -> None:
    """Not the network, not memory, and the disk that the sandbox shows twice once."""
    text = (fixtures / "orangepi5plus/proc/self/mounts").read_text()
    assert disk_usage.parse(text) == ["/", "/boot", "/srv/record ings"]
    assert disk_usage.parse((fixtures / "kernel-6.18-x86/proc/self/mounts").read_text()) == ["/"]


@pytest.mark.parametrize(
    ("lines", "places"),
    [
        (["/dev/sda1 / ext4 rw 0 0"], ["/"]),
        (["/dev/sda1 /a/b ext4 rw 0 0", "/dev/sda1 /a ext4 rw 0 0"], ["/a"]),
        (["/dev/sda1 / ext4 rw 0 0", "overlay / overlay rw 0 0"], ["/"]),
        (["overlay /var/lib/docker/overlay2/1/merged overlay rw 0 0"], []),
        (["/dev/sda1 /mnt ext4 rw 0 0", "nas:/video /mnt nfs4 rw 0 0"], []),  # covered by what may hang
        (
            [
                "nas:/v /mnt nfs rw 0 0",
                "//nas/v /m cifs rw 0 0",
                "x /f fuse.sshfs rw 0 0",
                "/dev/sdb1 /n fuseblk rw 0 0",
            ],
            [],
        ),
        (["/dev/loop0 /snap/core squashfs ro 0 0", "/dev/sr0 /cd iso9660 ro 0 0", "tmpfs /tmp tmpfs rw 0 0"], []),
        ([r"/dev/sda1 /a\040b\134040\011\012 vfat rw 0 0"], ["/a b\\040\t\n"]),
        (["/dev/sda1", "", "x y"], []),
        ([f"/dev/sd{n} /mnt/{n:03} ext4 rw 0 0" for n in range(100)], [f"/mnt/{n:03}" for n in range(16)]),
    ],
)
def test_mount_tables(lines: list[str], places: list[str]) -> None:
    assert disk_usage.parse("".join(f"{line}\n" for line in lines)) == places


def test_a_real_file_system(values: Values, tmp_path: Path) -> None:
    """What df says of it, which the kernel tells both."""
    (tmp_path / "data").mkdir()
    found = values(disk_usage, {MOUNTS: "/dev/sda1 /data ext4 rw 0 0\n"})
    about = os.statvfs(tmp_path / "data")
    assert found["disk.total_bytes{mount=/data}"] == about.f_blocks * about.f_frsize
    used, available = found["disk.used_bytes{mount=/data}"], found["disk.available_bytes{mount=/data}"]
    assert isinstance(used, int)
    assert isinstance(available, int)
    assert used + available <= about.f_blocks * about.f_frsize
    assert found["disk.usage_percent{mount=/data}"] == round(100 * used / (used + available), 2)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("blocks", "free", "available", "percent"),
    [
        (1000, 600, 500, 44.44),  # a tenth is kept for root, and is neither used nor available
        (1000, 100, 0, 100),
        (1000, 1000, 1000, 0),
        (0, 0, 0, None),  # a file system that does not count
    ],
)
def test_the_arithmetic(
    values: Values, monkeypatch: pytest.MonkeyPatch, blocks: int, free: int, available: int, percent: float | None
) -> None:
    """Of a file system of 4 KiB blocks that is as full as it is told to be, which no real one is."""
    about = os.statvfs_result((4096, 4096, blocks, free, available, 0, 0, 0, 0, 255))
    monkeypatch.setattr("posix.statvfs", lambda _: about)
    mounts = {MOUNTS: "/dev/sda1 / ext4 rw 0 0\n"}
    if percent is None:
        with pytest.raises(NoData):
            values(disk_usage, mounts)
        return
    assert values(disk_usage, mounts) == {
        "disk.total_bytes{mount=/}": blocks * 4096,
        "disk.used_bytes{mount=/}": (blocks - free) * 4096,
        "disk.available_bytes{mount=/}": available * 4096,
        "disk.usage_percent{mount=/}": percent,
    }


def test_a_place_that_is_gone_costs_nothing(values: Values) -> None:
    found = values(disk_usage, {MOUNTS: "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /gone ext4 rw 0 0\n"})
    assert {name.partition("{")[2] for name in found} == {"mount=/}"}


def test_a_disk_that_fails_is_a_fault(values: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    """No disk here can be made to fail, so the call is."""

    def statvfs(path: str) -> os.statvfs_result:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("posix.statvfs", statvfs)
    with pytest.raises(SourceProblem, match="/: can't be asked: Input/output error"):
        values(disk_usage, {MOUNTS: "/dev/sda1 / ext4 rw 0 0\n"})


def test_nothing_of_a_disk_is_no_data(values: Values) -> None:
    with pytest.raises(NoData, match="no file system of a disk"):
        values(disk_usage, {MOUNTS: "tmpfs / tmpfs rw 0 0\n"})
