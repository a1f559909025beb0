"""A machine that can lose its power: a kernel of its own on the disk of disk.py, of QEMU where there is KVM, else of
User Mode Linux; or as BELABOX_METRICS_ENGINE says, qemu or uml."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from . import qemu, uml
from .disk import Disk
from .network import Network

IMAGE = Path(__file__).with_name("image")
BOOT_S = 180
MEMORY_MB = 384
_PORTS = ("agent", "journal", "evidence")
# With what dies, it dies.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


def engine() -> str:
    """Of the two that this host can have, as their modules are named. Raises RuntimeError when it can't have the one
    that is wanted, or neither."""
    possible = {qemu.NAME: qemu.is_possible(), uml.NAME: uml.is_possible()}
    wanted = os.environ.get("BELABOX_METRICS_ENGINE", "")
    if wanted and not possible.get(wanted):
        raise RuntimeError(f"BELABOX_METRICS_ENGINE={wanted}: not here, or not one of {', '.join(possible)}")
    if wanted or (possible[qemu.NAME] and qemu.is_helped()):
        return wanted or qemu.NAME
    if possible[uml.NAME]:
        return uml.NAME
    raise RuntimeError("no KVM, and no User Mode Linux: apt-get install user-mode-linux qemu-system-common kmod")


def pace() -> list[str]:
    """The words for install about what a job costs in such a machine, next to what it costs on this host."""
    if engine() == uml.NAME:
        return ["slow"]
    return [] if qemu.is_helped() else ["slower"]


def built() -> Path:
    """The folder with disk.raw, a Debian as image makes it; to be copied. Takes a minute or two the first time."""
    done = subprocess.run([IMAGE, engine()], check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.strip())


class Machine:
    """`image`: what built() gave; `disk` answers at `address`. The console is a file in `folder`. Without a `network`
    it has none."""

    def __init__(
        self,
        image: Path,
        disk: Disk,
        address: Path,
        folder: Path,
        network: Network | None = None,
        memory_mb: int = MEMORY_MB,
    ) -> None:
        self._image = image
        self.disk = disk
        self._address = address
        self._console = folder / "console"
        self._network = network
        self._memory_mb = memory_mb
        self._power: Power | None = None

    def power_on(self) -> Power:
        ours, theirs = {}, {}
        for port in _PORTS:
            ours[port], theirs[port] = socket.socketpair()
        try:
            command = self._command({port: end.fileno() for port, end in theirs.items()})
            self._power = Power(command, ours, theirs, self.disk, self._console)
        finally:
            for end in theirs.values():
                end.close()
        return self._power

    def unplug(self) -> None:
        """Whatever it does, and if it does nothing, it is off now; before its disk can be closed."""
        if self._power is not None and self._power.is_on:
            self._power.cut()

    def _command(self, ends: dict[str, int]) -> list[str]:
        net = self._network is not None
        inside = self._network.inside() if self._network else []
        if engine() == qemu.NAME:
            return [*inside, *qemu.command(self._image, self._address, self._memory_mb, ends, net)]
        return [*inside, *uml.command(self._address, self._memory_mb, ends, net)]


class Power:
    """From power on to power off. `began`: Unix time; `records`: of the journal, those of the jobs, as they come."""

    def __init__(
        self,
        command: list[str],
        ours: dict[str, socket.socket],
        theirs: dict[str, socket.socket],
        disk: Disk,
        console: Path,
    ) -> None:
        self.records: list[dict[str, Any]] = []
        self._disk = disk
        self._console = console
        self._evidence: list[bytes] = []
        self._news = threading.Condition()
        self._over = False
        self._agent = ours["agent"]
        # Answers that nobody has read: the first is to no question, that it is ready.
        self._owed = 1
        self._is_ready = False
        self.began = time.time()
        with console.open("wb") as printed:
            self._process = subprocess.Popen(
                [*_WITH_US, *command],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                pass_fds=[end.fileno() for end in theirs.values()],
            )
        self._readers = [
            threading.Thread(target=read, args=(ours[port],), daemon=True)
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
        self.begin(*argv)
        code, said = json.loads(self._answer(timeout, f"{argv} was done"))
        if check and code:
            raise AssertionError(f"exit code {code} of {argv}\n{said}")
        return str(said)

    def begin(self, *argv: str) -> None:
        """A command whose end nobody waits for."""
        if not self._is_ready:
            self._is_ready = self._answer(BOOT_S, "it was ready") == b"ready"
        self._agent.sendall(json.dumps(argv).encode() + b"\n")
        self._owed += 1

    def _answer(self, timeout: float, what: str) -> bytes:
        """The last line that is owed."""
        self._agent.settimeout(timeout)
        answer = b""
        while answer.count(b"\n") < self._owed:
            part = self._agent.recv(1 << 20)
            if not part:
                raise self._silent(f"it went before {what}")
            answer += part
        self._owed = 0
        return answer.splitlines()[-1]

    @property
    def has_told(self) -> bool:
        """Whether evidence() has something already."""
        return bool(self._evidence)

    @property
    def is_on(self) -> bool:
        return self._process.poll() is None

    def cut(self) -> float:
        """No power any more, from one instruction to the next; when that was. The disk's cache is the caller's."""
        at = time.time()
        self._disk.unplug()
        self._process.kill()
        self._end()
        return at

    def off(self) -> None:
        """As a person does it."""
        self.begin("systemctl", "poweroff")
        self._process.wait(BOOT_S)
        self._end()

    def _end(self) -> None:
        self._process.wait()
        self._agent.close()
        # What it had said is in the sockets, and these are at their end when the last of its processes is gone.
        for reader in self._readers:
            reader.join()

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

    def printed(self) -> str:
        """What its console has shown."""
        return self._console.read_text(errors="replace")

    def _silent(self, what: str) -> AssertionError:
        console = self.printed()
        return AssertionError(f"{what}; the end of its console:\n{console[-3000:]}")
