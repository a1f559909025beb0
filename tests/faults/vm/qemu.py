"""A virtual machine of QEMU: by KVM where the processor helps it, else translated, instruction by instruction."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAME = "qemu"
_PROGRAM = "qemu-system-x86_64"


def is_possible() -> bool:
    return shutil.which(_PROGRAM) is not None


def is_helped() -> bool:
    """That there is a device proves nothing: in a virtual machine whose processor has no word for it, it boots
    nothing."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    return bool(flags & {"svm", "vmx"}) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def command(image: Path, disk: Path, memory_mb: int, ends: dict[str, int], net: bool) -> list[str]:
    """`image`: the folder with vmlinuz and initrd.img; `disk`: the socket; `ends`: descriptors of its ports by their
    names; `net`: an Ethernet whose host is where the program runs. The console is what it prints."""
    accelerated = ["-accel", "kvm", "-cpu", "host"] if is_helped() else ["-accel", "tcg", "-cpu", "qemu64"]
    words = [_PROGRAM, *accelerated, "-machine", "q35", "-nodefaults", "-no-user-config"]
    words += ["-no-reboot", "-smp", "1", "-m", str(memory_mb), "-display", "none", "-serial", "stdio"]
    words += ["-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd.img")]
    # Linux counts ticks of a timer against the processor's, which are not in step where both are translated.
    append = "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet panic=-1 mitigations=off no_timer_check"
    # Lines that it would have beside its ports are those of User Mode Linux.
    append += " 8250.nr_uarts=1"
    words += ["-append", append]
    words += ["-blockdev", f"driver=nbd,node-name=disk,server.type=unix,server.path={disk}"]
    words += ["-device", "virtio-blk-pci,drive=disk,write-cache=on", "-device", "virtio-rng-pci"]
    words += ["-device", "virtio-serial-pci"]
    for name, end in ends.items():
        words += ["-chardev", f"socket,id={name},fd={end}", "-device", f"virtserialport,chardev={name},name={name}"]
    if net:
        words += ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
    return words
