"""A disk of its own under the database: errors of device-mapper, an ext4 that gives up, a quota of the kernel."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..outcome import Row
from . import books
from .guest import FOLDER, Guest

# Promise 1: what the kernel has not written back may go with the power, and so it may with the disk.
WINDOW_S = 40.0
# And what is told before ext4 gives up, which is when it can't commit: a run that is due every five seconds begins a
# transaction, which is committed when it is five seconds old; five more for a busy machine. Where every other write
# fails, that may be one of the next commits.
NOTICED_S, NOTICED_NOW_AND_THEN_S = 15.0, 30.0
# A job tells of a run shortly after it is stored.
_TOLD_S = 3.0
METRIC = "memory.usage"
_DEVICE, _IMAGE, _SIZE = "/dev/mapper/metrics", "/lab-disk", "64M"
_DM = "dmsetup --noudevsync"
# Of what is killed by that the failure is still to be recorded.
_STOP = (
    "systemctl stop belabox-metrics.target belabox-metrics-health.socket; systemctl stop 'belabox-metrics*.service';"
    "while systemctl list-units --no-legend --state=activating 'belabox-metrics*' | grep -q .; do sleep 0.2; done"
)
# A job that is at work has the file system in a mount namespace of its own.
_UNMOUNT = f"umount {FOLDER}; until [ ! -e /proc/fs/ext4/dm-0 ]; do sleep 0.2; done"
# quotactl(2): of a user, limits in KB; Q_GETQUOTA tells what is in use.
_QUOTA = """
import ctypes, pwd, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
user = pwd.getpwnam("metrics").pw_uid
found = ctypes.create_string_buffer(72)
def ask(command):
    if libc.quotactl(command << 8, sys.argv[1].encode(), user, found):
        sys.exit("quotactl: %d" % ctypes.get_errno())
ask(0x800007)
fields = list(struct.unpack("8QI4x", found))
most = int(sys.argv[2])
# 1: the limits of blocks alone.
fields[0] = fields[1] = most and fields[2] // 1024 + most - 1
fields[8] = 1
found.raw = struct.pack("8QI4x", *fields)
ask(0x800008)
"""


class Data:
    """`with Data(guest, mount options, mkfs options):` the database and all beside it are on a disk of their own."""

    def __init__(self, guest: Guest, options: str = "defaults", features: str = "") -> None:
        self._guest = guest
        self._options = options
        self._features = features

    def __enter__(self) -> Data:
        self._guest.load("loop", "dm-mod", "dm-flakey")
        self._guest.sh(
            f"set -e; {_STOP}; truncate -s {_SIZE} {_IMAGE}; losetup /dev/loop0 {_IMAGE};"
            f'{_DM} create metrics --table "0 $(blockdev --getsz /dev/loop0) linear /dev/loop0 0"; dmsetup mknodes;'
            f"mkfs.ext4 -q {self._features} {_DEVICE}; mount -o {self._options} {_DEVICE} /mnt; rmdir /mnt/lost+found;"
            f"cp -a {FOLDER}/. /mnt/; umount /mnt; mount -o {self._options} {_DEVICE} {FOLDER};"
            "systemctl start belabox-metrics.target"
        )
        self._guest.wait_for_runs(2)
        return self

    def become(self, target: str) -> None:
        """Another table of device-mapper, from one request to the next."""
        self._guest.sh(
            f"set -e; {_DM} suspend --noflush --nolockfs metrics;"
            f'dmsetup reload metrics --table "0 $(blockdev --getsz /dev/loop0) {target}"; {_DM} resume metrics'
        )

    def mend(self) -> float:
        """As a person does it, with a card that is well again; how long until runs are stored."""
        began = time.monotonic()
        self._guest.sh(f"{_STOP}; {_UNMOUNT}")
        # 1: errors were corrected, and that is what it is for.
        self._guest.sh(f"e2fsck -fy {_DEVICE} || test $? = 1; mount -o {self._options} {_DEVICE} {FOLDER}")
        self._guest.sh("systemctl reset-failed 'belabox-metrics*'; systemctl start belabox-metrics.target", check=False)
        self._guest.wait_for_runs(2)
        return time.monotonic() - began

    def __exit__(self, *_: object) -> None:
        """What was stored comes along."""
        self._guest.sh(
            f"{_STOP}; rm -rf /lab-kept; cp -a {FOLDER} /lab-kept; {_UNMOUNT}; {_DM} remove metrics;"
            f"losetup -d /dev/loop0; rm {_IMAGE}; rm -f {FOLDER}/*; cp -a /lab-kept/. {FOLDER}/;"
            "systemctl reset-failed 'belabox-metrics*'; systemctl start belabox-metrics.target",
            check=False,
        )
        self._guest.wait_for_runs(1)


def errors(
    guest: Guest, said: str, target: str, options: str, hold_s: float, within_s: float, *, is_told: bool = True
) -> Row:
    """The card does that for a while, ext4 gives up `within_s`, the card is well again, a person sees to it. Not
    `is_told`: it may be that only what the kernel writes later fails, which no job is told."""
    set_up = guest.uptime()
    with Data(guest, options) as data:
        time.sleep(hold_s)
        forget_refusals(guest)
        began = guest.uptime()
        data.become(target)
        # Until the kernel writes back, there is no error: a commit asks for none.
        if is_told:
            guest.until(lambda: guest.told("read-only", began) or guest.told("I/O error", began), "a job tells of it")
        time.sleep(hold_s)
        gave_up = _gave_up(guest, began)
        data.become("linear /dev/loop0 0")
        refused = len(guest.told("read-only", began) + guest.told("I/O error", began))
        wrong = []
        # Other than to write, nothing is wrong with it.
        seen = guest.run(
            "runuser", "-u", "metrics", "--", "belabox-metrics", "query", METRIC, "--since", "1h", check=False
        )
        if METRIC not in seen:
            wrong.append(f"what is stored can't be read: {seen}")
        health = guest.health()
        if is_told and health["components"]["storage"]["status"] != "error":
            wrong.append(f"health: {health['components']['storage']}")
        took = data.mend()
        found = books.read(guest)
        gone = [at - began for at in found.missing(set_up)]
        lost = lost_of(gone, gave_up, within_s)
        wrong += books.damage(guest)
    if gave_up is None or gave_up > within_s:
        wrong.append(f"ext4 gave up after {gave_up} s, not within {within_s:g}")
    note = (
        f"{refused} records about it; {len(gone)} runs gone, told {max(0, -min(gone, default=0)):.1f} s before it to"
        f" {max(0, *gone, 0):.1f} s after; ext4 gave up"
        f" {'never' if gave_up is None else f'after {gave_up:.1f} s'}; a person's stop, fsck, mount, start in it"
    )
    return Row(said, 1, lost, 0, took, note, wrong)


def lost_of(gone: list[float], gave_up: float | None, within_s: float) -> int:
    """How many of those that are gone must not be: told longer before the fault than the kernel keeps what is to be
    written, or behind what is the end of it for ext4. All by the seconds since it began."""
    last = within_s if gave_up is None else min(within_s, gave_up)
    return sum(not -WINDOW_S <= at <= last + _TOLD_S for at in gone)


def _gave_up(guest: Guest, began: float) -> float | None:
    """Seconds after it began, by the kernel; None: not yet."""
    said = guest.sh("dmesg | sed -n 's/^\\[ *\\([0-9.]*\\)\\].*Aborting journal on device dm-0.*/\\1/p'")
    return next((float(at) - began for at in said.split() if float(at) >= began), None)


def forget_refusals(guest: Guest) -> None:
    """As if ten minutes had passed: what was refused in the trial before is not told again any earlier."""
    guest.sh("rm -f /run/belabox-metrics/refused.*")


def quota(guest: Guest, times: int, hold_s: float) -> Row:
    """The kernel's own, of the user whose jobs these are; taken away again, by itself all goes on."""
    guest.load("quota_tree", "quota_v2")
    wrong: list[str] = []
    longest, set_up = 0.0, guest.uptime()
    with Data(guest, "usrquota", "-O quota"):
        for _ in range(times):
            forget_refusals(guest)
            guest.run("/usr/bin/python3", "-I", "-c", _QUOTA, _DEVICE, "1")
            time.sleep(hold_s)
            guest.run("/usr/bin/python3", "-I", "-c", _QUOTA, _DEVICE, "0")
            began = time.monotonic()
            guest.wait_for_runs(2)
            longest = max(longest, time.monotonic() - began)
        refused = len(guest.told("the quota of its user", set_up))
        if not refused:
            wrong.append("no job tells of the quota")
        found = books.read(guest)
        wrong += books.damage(guest)
    note = f"{refused} records about it"
    return Row(
        "quota of the kernel (EDQUOT), and taken away", times, len(found.missing(set_up)), 0, longest, note, wrong
    )


def trials(guest: Guest, hold_s: float) -> Iterator[Row]:
    yield errors(guest, "device-mapper error, ext4 as it comes", "error", "defaults", hold_s, NOTICED_S)
    flakey = "flakey /dev/loop0 0 2 2 1 error_writes"
    said, within_s = "device-mapper flakey: writes fail now and then", NOTICED_NOW_AND_THEN_S
    yield errors(guest, said, flakey, "defaults", 2 * hold_s, within_s, is_told=False)
    yield errors(guest, "device-mapper error, errors=remount-ro", "error", "errors=remount-ro", hold_s, NOTICED_S)
    yield quota(guest, 3, hold_s / 2)
