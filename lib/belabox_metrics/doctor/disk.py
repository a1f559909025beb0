"""Is there room, may it be written, and does the disk itself complain?"""

from __future__ import annotations

import os
import re
from shlex import quote

from .. import program
from ..errors import NoData, Problem
from ..quantity import shown
from .finding import note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .finding import Finding

# Below the first nothing can be promised; a few days of samples fit between the two.
LITTLE, SOME = 64_000_000, 500_000_000
INODES = 1000
JOURNAL_MS = 10_000
LINES = 400
SHOWN = 3
# What Linux says of a card that goes bad (drivers/mmc, block/blk-core.c, fs/ext4, fs/btrfs, fs/f2fs).
_COMPLAINT = re.compile(
    r"I/O error|EXT4-fs error|BTRFS.*(error|critical)|F2FS-fs.*error|remounting filesystem read-only"
    r"|mmc\d+: .*(error|timeout|timed out)|nvme\w*: .*(timeout|error)",
    re.IGNORECASE,
)


def examine(box: Box) -> Iterator[Finding]:
    directory = os.path.dirname(box.database) or "."
    # As a shell is to be told.
    place = quote(directory)
    try:
        room = os.statvfs(directory)
    except OSError as fault:
        yield problem(str(fault.strerror), directory)
        return
    if room.f_flag & os.ST_RDONLY:
        yield problem("is mounted read-only: nothing can be stored", directory, f"findmnt -T {place}")
    free, size = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    said = f"{shown('_bytes', free)} of {shown('_bytes', size)} are free"
    hint = f"sudo du -xh --max-depth=2 {place} /var | sort -h | tail"
    if free < LITTLE:
        yield problem(said, directory, hint)
    elif free < SOME:
        yield note(said, directory, hint)
    else:
        yield ok(said, directory)
    # File systems such as btrfs have as many as they want, and say 0.
    if room.f_files and room.f_favail < INODES:
        yield problem(f"only {room.f_favail} more files can be made", directory, f"df -i {place}")
    yield from _complaints()


def _complaints() -> Iterator[Finding]:
    """Of this boot, by the kernel."""
    try:
        journalctl = program.find("", "journalctl", "systemd")
        words = ["--dmesg", "--boot", "--priority=warning", "--no-pager", "--quiet", "--output=cat", f"--lines={LINES}"]
        said = program.run([journalctl, *words], JOURNAL_MS)
    except (NoData, Problem) as fault:
        yield note(f"the kernel's log can't be read: {fault}")
        return
    if said.code or (not said.out and os.geteuid() != 0):
        yield note("the kernel's log can't be read by this user", hint="use sudo")
        return
    lines = [line for line in said.out.splitlines() if _COMPLAINT.search(line)]
    if lines:
        what = f"{len(lines)} complaints of the kernel about a disk in this boot, the last: {lines[-1]}"
        yield problem(what, hint="journalctl -k -p warning; keep a copy: belabox-metrics snapshot FILE")
    else:
        yield ok("no complaint of the kernel about a disk")
