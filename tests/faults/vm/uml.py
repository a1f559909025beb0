"""A machine of User Mode Linux: a kernel as a program, with a page cache, a clock and a first process of its own. For
where there is no KVM. https://docs.kernel.org/virt/uml/user_mode_linux_howto_v2.html

Its own kind of disk, ubd, is of no use here: it says yes to a flush and does nothing (6.1). So the disk is one of
virtio as in QEMU, at qemu-storage-daemon, which passes on what it is asked for; and as its driver is a module, the
kernel begins on this host's file system, read-only, fetches it there and goes over to the disk.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from .network import TAP

NAME = "uml"
# ttyS0 is nobody's, so that its numbers are those of QEMU's machine, whose console it is.
LINES = {"agent": 1, "journal": 2, "evidence": 3}
_START, _ROOT = (Path(__file__).with_name(name) for name in ("start-uml", "enter-root"))


def is_possible() -> bool:
    return all(shutil.which(name) for name in ("linux.uml", "qemu-storage-daemon", "insmod"))


def command(disk: Path, memory_mb: int, ends: dict[str, int], net: bool) -> list[str]:
    """As qemu.command. Its processes are the first and the children of a namespace, which go all at once."""
    words = ["unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
    words += [str(_START), str(disk), str(random.choice(sorted(os.sched_getaffinity(0))))]
    words += [f"mem={memory_mb}M", "rootfstype=hostfs", "rootflags=/", "ro", f"init={_ROOT}", "quiet", "panic=-1"]
    words += ["con=null", "con0=null,fd:1", "ssl=null"]
    words += [f"ssl{LINES[name]}=fd:{end}" for name, end in ends.items()]
    if net:
        words.append(f"vec0:transport=tap,ifname={TAP},depth=64")
    return words
