"""A virtual machine of QEMU, for where the processor helps it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAME = "qemu"
_PROGRAM = "qemu-system-x86_64"


def is_possible() -> bool:
    """That there is a device proves nothing: in a virtual machine whose processor has no word for it, it boots
    nothing. Without such help QEMU translates, some ten times slower."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    helped = bool(flags & {"svm", "vmx"}) and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return helped and shutil.which(_PROGRAM) is not None


def command(image: Path, disk: Path, memory_mb: int, ends: dict[str, int], net: bool) -> list[str]:
    """`image`: the folder with vmlinuz and initrd.img; `disk`: the socket; `ends`: descriptors of its ports by their
    names; `net`: an Ethernet whose host is where the program runs. The console is what it prints."""
    words = [_PROGRAM, "-accel", "kvm", "-cpu", "host", "-machine", "q35", "-nodefaults", "-no-user-config"]
    words += ["-no-reboot", "-smp", "1", "-m", str(memory_mb), "-display", "none", "-serial", "stdio"]
    words += ["-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd.img")]
    words += ["-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet panic=-1 mitigations=off"]
    words += ["-blockdev", f"driver=nbd,node-name=disk,server.type=unix,server.path={disk}"]
    words += ["-device", "virtio-blk-pci,drive=disk,write-cache=on", "-device", "virtio-rng-pci"]
    words += ["-device", "virtio-serial-pci"]
    for name, end in ends.items():
        words += ["-chardev", f"socket,id={name},fd={end}", "-device", f"virtserialport,chardev={name},name={name}"]
    if net:
        words += ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
    return words
