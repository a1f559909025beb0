"""A virtual machine that can lose its power: QEMU, the kernel of image, and the disk of disk.py."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from .disk import Disk

# From the host as the machine sees it: QEMU's user networking.
HOST = "10.0.2.2"
BOOT_S = 400
MEMORY_MB = 384
_PORTS = ("agent", "journal", "evidence")


def accelerator() -> str:
    """kvm where this machine has it; else QEMU's translation, some ten times slower. That there is a device proves
    nothing: in a virtual machine whose processor has no word for it, it boots nothing."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    return "kvm" if flags & {"svm", "vmx"} and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"


class Machine:
    """`image`: the folder with vmlinuz and initrd.img; `disk` answers at `address`. Sockets and the console are files
    in `folder`."""

    def __init__(self, image: Path, disk: Disk, address: Path, folder: Path) -> None:
        self._image = image
        self.disk = disk
        self._address = address
        self._folder = folder

    def power_on(self) -> Power:
        return Power(self._command(), self._folder)

    def _command(self) -> list[str]:
        program = shutil.which("qemu-system-x86_64")
        if program is None:
            raise RuntimeError("qemu-system-x86_64 is missing: apt-get install qemu-system-x86")
        kind = accelerator()
        command = [program, "-accel", kind, "-machine", "q35", "-nodefaults", "-no-user-config", "-no-reboot"]
        command += ["-cpu", "host" if kind == "kvm" else "Nehalem", "-smp", "1", "-m", str(MEMORY_MB)]
        command += ["-display", "none"]
        command += ["-kernel", str(self._image / "vmlinuz"), "-initrd", str(self._image / "initrd.img")]
        command += ["-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet panic=-1 mitigations=off"]
        command += ["-serial", f"file:{self._folder}/console"]
        disk = f"driver=nbd,node-name=disk,server.type=unix,server.path={self._address}"
        command += ["-blockdev", disk, "-device", "virtio-blk-pci,drive=disk,write-cache=on"]
        command += ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
        command += ["-device", "virtio-serial-pci", "-device", "virtio-rng-pci"]
        for port in _PORTS:
            command += ["-chardev", f"socket,id={port},path={self._folder}/{port}"]
            command += ["-device", f"virtserialport,chardev={port},name={port}"]
        return command


class Power:
    """From power on to power off. `began`: Unix time; `records`: of the journal, those of the jobs, as they come."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.records: list[dict[str, Any]] = []
        self._folder = folder
        self._evidence: list[bytes] = []
        self._news = threading.Condition()
        self._over = False
        listening = {port: _listen(folder / port) for port in _PORTS}
        self.began = time.time()
        # With what dies, it dies.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            ends = {port: self._accept(end) for port, end in listening.items()}
        finally:
            for end in listening.values():
                end.close()
        self._agent = ends["agent"]
        # Answers that nobody has read.
        self._owed = 0
        self._readers = [
            threading.Thread(target=read, args=(ends[port],), daemon=True)
            for port, read in (("journal", self._read_journal), ("evidence", self._read_evidence))
        ]
        for reader in self._readers:
            reader.start()

    def evidence(self, number: int = 0, timeout: float = BOOT_S) -> bytes:
        """The `number`th archive of the database that the machine has sent: the first one it sends as it boots."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._evidence) > number or self._over, timeout):
                raise self._silent("no evidence came")
            if len(self._evidence) <= number:
                raise self._silent("it went before the evidence came")
            return self._evidence[number]

    def wait_for(self, field: str, value: str, timeout: float = BOOT_S) -> dict[str, Any]:
        """The first record that has this."""

        def found() -> dict[str, Any] | None:
            return next((record for record in self.records if record.get(field) == value), None)

        with self._news:
            if not self._news.wait_for(lambda: found() or self._over, timeout):
                raise self._silent(f"no record with {field}={value}")
            record = found()
        if record is None:
            raise self._silent(f"it went before {field}={value}")
        return record

    def run(self, *argv: str, check: bool = True, timeout: float = 120) -> str:
        """A command inside, as root: what it printed."""
        self._agent.settimeout(timeout)
        self.begin(*argv)
        answer = b""
        while answer.count(b"\n") < self._owed:
            part = self._agent.recv(1 << 20)
            if not part:
                raise self._silent(f"it went before {argv} was done")
            answer += part
        self._owed = 0
        code, said = json.loads(answer.splitlines()[-1])
        if check and code:
            raise AssertionError(f"exit code {code} of {argv}\n{said}")
        return str(said)

    def begin(self, *argv: str) -> None:
        """A command whose end nobody waits for."""
        self._agent.sendall(json.dumps(argv).encode() + b"\n")
        self._owed += 1

    def cut(self) -> float:
        """No power any more, from one instruction to the next; when that was. The disk's cache is the caller's."""
        at = time.time()
        self._process.kill()
        self._end()
        return at

    def off(self) -> None:
        """As a person does it."""
        self.begin("systemctl", "poweroff")
        self._process.wait(60)
        self._end()

    def _end(self) -> None:
        self._process.wait()
        assert self._process.stderr
        self._process.stderr.close()
        self._agent.close()
        # What it had said is in the sockets.
        for reader in self._readers:
            reader.join()

    def _accept(self, end: socket.socket) -> socket.socket:
        end.settimeout(30)
        try:
            return end.accept()[0]
        except TimeoutError:
            self._process.kill()
            _, said = self._process.communicate()
            raise RuntimeError(f"qemu did not start: {said.decode(errors='replace')}") from None

    def _read_journal(self, end: socket.socket) -> None:
        with end, end.makefile("rb") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                except ValueError:
                    # The last one, cut off.
                    break
                with self._news:
                    self.records.append(record)
                    self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _read_evidence(self, end: socket.socket) -> None:
        with end, end.makefile("rb") as stream:
            while (line := stream.readline()).endswith(b"\n"):
                archive = stream.read(int(line))
                if len(archive) < int(line):
                    break
                with self._news:
                    self._evidence.append(archive)
                    self._news.notify_all()

    def _silent(self, what: str) -> AssertionError:
        said = self._process.stderr.read() if self._process.poll() is not None and self._process.stderr else b""
        console = (self._folder / "console").read_text(errors="replace")
        return AssertionError(f"{what}; {said.decode(errors='replace')}\nthe end of its console:\n{console[-3000:]}")


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    end = socket.socket(socket.AF_UNIX)
    end.bind(str(path))
    end.listen()
    return end
