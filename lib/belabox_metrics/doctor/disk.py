"""Is there room, may it be written, and does the disk itself complain?"""

from __future__ import annotations

import os
import re
from shlex import quote

from .. import program
from ..errors import NoData, Problem
from ..health.verdict import span
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
# ext4's own. What comes on top of it: by when the kernel writes back, docs/power-cuts.md.
COMMIT_S, WRITTEN_S = 5, 35
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
    commit_s = _commit_s(box.place("/proc/self/mountinfo"), os.stat(directory).st_dev)
    if commit_s > COMMIT_S:
        what = f"is mounted with commit={commit_s}: a power cut may take what was stored in the last"
        hint = f"sudo mount -o remount,commit={COMMIT_S} $(findmnt -no TARGET -T {place}), and the same in /etc/fstab"
        yield note(f"{what} {span((commit_s + WRITTEN_S) * 1000)}", directory, hint)
    yield from _complaints()


def _commit_s(mounts: str, device: int) -> int:
    """How often the file system of `device` commits its journal, in seconds, where that was asked for (proc(5),
    mountinfo; ext4, btrfs); else 0, as where nobody can tell."""
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open(mounts, encoding="utf-8", errors="replace") as file:
            found = [line.split() for line in file]
    except OSError:
        return 0
    options = [words[-1] for words in found if len(words) > 3 and words[2] == number]
    given = re.search(r"(?:^|,)commit=(\d{1,9})(?:,|$)", options[-1]) if options else None
    return int(given[1]) if given else 0


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
