"""`disk.usage`: how full the file systems are.

Reads the mount table, `/proc/self/mounts` (proc_pid_mounts(5)), and asks statvfs(3) about the file systems that lie on
a disk of this box. Those of a network or of a program (nfs, cifs, fuse, 9p) are not asked: a server that is gone
would hold the answer back for good. Neither are images, which are always full (squashfs, iso9660), nor memory.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from ..attributes import Attributes
from ..sample import Sample
from ..source import read_text, whole_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "disk.usage"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/proc/self/mounts"
LOCAL = ("ext2", "ext3", "ext4", "btrfs", "xfs", "f2fs", "vfat", "exfat", "ntfs3")
MOST = 16  # file systems


def parse(text: str, where: str = PATH) -> list[str]:
    """The mount points of what lies on a disk here, each file system once, at the shortest of its places, MOST at most.

    A sandbox shows the same one in many places. Raises SourceProblem."""
    # What is mounted later hides what was there.
    on_top: dict[str, tuple[str, str]] = {}
    for line in whole_lines(text, where):
        fields = line.split(" ")
        if len(fields) >= 3:
            on_top[_unescaped(fields[1])] = (fields[0], fields[2])
    places: dict[str, str] = {}
    for place, (device, kind) in on_top.items():
        # The root of a box that keeps its changes in memory, or on another disk, is an overlay.
        if not (kind in LOCAL and device.startswith("/dev/")) and not (kind == "overlay" and place == "/"):
            continue
        if device not in places or len(place) < len(places[device]):
            places[device] = place
    return sorted(places.values())[:MOST]


def collect(world: World) -> Reading:
    """`disk.total_bytes`, `disk.used_bytes`, `disk.available_bytes` and `disk.usage_percent`, tag `mount`.

    Available is what a program that is not root may still write, and percent is of used and available, as df(1) has
    it. Raises NoData when nothing of a disk is mounted."""
    files = Attributes(world)
    samples: list[Sample] = []
    for place in parse(read_text(world.root, PATH), world.root + PATH):
        try:
            found = os.statvfs(world.root + place)
        except (FileNotFoundError, PermissionError, ValueError):
            # Unmounted since, or out of the sight of this user: no data about it.
            continue
        except OSError as fault:
            files.broken(place, f"can't be asked: {fault.strerror}")
            continue
        total, used = found.f_blocks * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize
        available = found.f_bavail * found.f_frsize
        if total <= 0 or used < 0 or used + available <= 0:
            continue
        tags = {"mount": place}
        samples += [
            Sample("disk.total_bytes", total, tags),
            Sample("disk.used_bytes", used, tags),
            Sample("disk.available_bytes", available, tags),
            Sample("disk.usage_percent", round(100 * used / (used + available), 2), tags),
        ]
    return files.reading(samples, "no file system of a disk is mounted")


def _unescaped(place: str) -> str:
    r"""The kernel writes blank, tab, line break and backslash as `\040`, `\011`, `\012`, `\134`."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        place = place.replace(code, char)
    return place
