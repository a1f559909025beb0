"""The box: a booted machine with everything installed, a stream in trouble, and a token for the server."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from ..machine.machine import CHECKOUT, PATIENCE_S, Machine

UNIT = "belabox-metrics-upload.service"
_CONFIG = "/etc/belabox-metrics/config.yaml"
_TOKEN = "/etc/belabox-metrics/api-token"
_DROP_IN = f"/run/systemd/system/{UNIT}.d"
_RELAY = "http://127.0.0.1:8181/stats?publisher=publish/live/feed1"
# This machine has no thermal zones to show, or those of somebody's desk.
_FIXTURE = "[Service]\nEnvironment=BELABOX_METRICS_ROOT=/src/tests/fixtures/orangepi5plus\n"
# The pause after a failure is for a person's sake; here each start is wanted.
_AT_ONCE = "[Service]\nExecStopPost=\n"
_STEPPING = f"{_AT_ONCE}ExecStart=\nExecStart=/opt/strace/kill_at\nSystemCallFilter=\n"
# So often at least it is to be killed at a call.
_STEPS = 6
# About as long as an activation on a good link takes.
_KILL_WITHIN_S = 0.15
# SD_MESSAGE_UNIT_PROCESS_EXIT, of its catalog.
_PROCESS_EXIT = "98e322203f7a4ed290d09fe03c09fe15"
_GROUP = f"belabox.slice/belabox-metrics.slice/{UNIT}"


class Box:
    """`kills`: when the uploader was killed (Unix seconds), and where. `failures`: from when to when one was at work
    that was started by hand and failed, of which no record tells."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.kills: list[tuple[float, str]] = []
        self.failures: list[tuple[float, float]] = []

    def install(self, url: str, token: str) -> None:
        """With the shipped schedule, and a relay that tells of a loss that is an alert: so a critical sample comes
        every five seconds."""
        machine = self.machine
        machine.run("systemd-run", "--quiet", "--unit=relay", "/usr/bin/python3", "-I", "/src/tests/machine/relay.py")
        thermal = "/etc/systemd/system/belabox-metrics@cpu.temperature.service.d"
        machine.run("mkdir", "-p", thermal)
        machine.run("tee", f"{thermal}/fixture.conf", input=_FIXTURE)
        machine.run("/src/install.sh", "--remote", url, timeout=300)
        self.give(token)
        for edit in (
            f"/name: srt.packet_loss/a\\    config: {{url: '{_RELAY}'}}",
            "s/  packet_loss: {.*above: .*}/  packet_loss: {above: 0.1}/",
            r"s/^  # auth:.*/  auth: {type: bearer_token}/",
        ):
            machine.run("sed", "-i", edit, _CONFIG)
        machine.run("belabox-metrics", "apply")
        self._bring_strace()

    def give(self, token: str) -> None:
        self.machine.run("sh", "-c", f"umask 077; cat > {_TOKEN}", input=token)

    def upload(self) -> str:
        """By hand: everything, whatever there was before. What it said."""
        began = time.time()
        done = self.machine.run("belabox-metrics", "upload", check=False, timeout=300)
        if done.returncode:
            self.failures.append((began, time.time()))
        return done.stdout + done.stderr

    def failed_units(self) -> list[str]:
        """Those that failed since the last time this was asked."""
        listed = self.machine.systemctl("--failed", "--plain", "--no-legend", check=False).splitlines()
        self.machine.systemctl("reset-failed", check=False)
        return [line.split()[0] for line in listed]

    def pending(self) -> int:
        (row,) = self.machine.sql("SELECT count(*) AS n FROM metrics WHERE value_type = 0 AND NOT uploaded")
        return int(row["n"])

    def stop_collecting(self) -> None:
        self.machine.systemctl("stop", "belabox-metrics@*.timer")
        idle = ("list-units", "--state=activating", "--no-legend", "belabox-metrics@*.service")
        self.machine.wait_until(lambda: not self.machine.systemctl(*idle), "a collector runs on")

    def records(self, job: str, since: float) -> list[dict[str, Any]]:
        return self.machine.journal(f"BELABOX_JOB={job}", f"--since=@{int(since)}")

    def ends(self, since: float) -> list[dict[str, Any]]:
        """What systemd told of the uploader's processes that ended by a signal: that of the lab, or its own, which is
        for one that takes too long."""
        return self.machine.journal(
            f"MESSAGE_ID={_PROCESS_EXIT}", f"UNIT={UNIT}", "EXIT_CODE=killed", f"--since=@{int(since)}"
        )

    # ---- killing ----

    def kill_at_random(self, until: float) -> None:
        """Each that is started, some time after; and one a second is."""
        self._override(_AT_ONCE)
        last, started = 0, 0.0
        while time.time() < until:
            pid = self._uploader()
            if not pid or pid == last:
                if not pid and time.time() > started + 1:
                    started = time.time()
                    self.machine.systemctl("start", "--no-block", UNIT)
                time.sleep(0.005)
                continue
            time.sleep(random.uniform(0, _KILL_WITHIN_S))
            last = pid
            if pid == self._uploader():
                # Before: the next one may begin before this is done.
                self.kills.append((time.time(), "at random"))
                os.kill(pid, signal.SIGKILL)
        self._override("")

    def _uploader(self) -> int:
        """Its process as the host counts them, 0 when there is none: looked for often, so not by systemctl."""
        try:
            pids = Path(f"/proc/{self.machine.pid}/root/sys/fs/cgroup/{_GROUP}/cgroup.procs").read_text().split()
        except OSError:
            return 0
        return int(pids[0]) if pids else 0

    def kill_at_each_call(self, until: float) -> None:
        """One system call later each time, from the first to the last, as often as there is time for, and a few times
        where a busy machine takes longer."""
        self._override(_STEPPING)
        while time.time() < until or (self._stepped() < _STEPS and time.time() < until + PATIENCE_S):
            self.machine.systemctl("start", UNIT, check=False)
        self._override("")
        for line in self.machine.run("cat", "/run/belabox-metrics/kills").stdout.splitlines():
            at, number, call = line.split()
            self.kills.append((float(at), f"{int(number)} {call}"))

    def _stepped(self) -> int:
        return len(self.machine.run("cat", "/run/belabox-metrics/kills", check=False).stdout.splitlines())

    def _override(self, drop_in: str) -> None:
        if drop_in:
            self.machine.run("mkdir", "-p", _DROP_IN)
            self.machine.run("tee", f"{_DROP_IN}/90-lab.conf", input=drop_in)
        else:
            self.machine.run("rm", "-r", _DROP_IN)
        self.machine.systemctl("daemon-reload")

    def _bring_strace(self) -> None:
        """The host's, with the libraries that it needs: the machine may be another Debian, and has none."""
        with tempfile.TemporaryDirectory() as scratch:
            program = shutil.which("strace")
            assert program, "strace is missing: tests/run installs it"
            needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
            files = {name: name.rpartition("/")[2] for name in needed.split() if name.startswith("/")}
            files |= {name: "ld.so" for name in files if "/ld-linux" in name}
            files |= {program: "strace", str(CHECKOUT / "tests/link/kill_at"): "kill_at"}
            for source, name in files.items():
                shutil.copy(source, Path(scratch) / name)
            packed = subprocess.run(["tar", "-C", scratch, "-c", "."], capture_output=True, check=True).stdout
        root = Path(f"/proc/{self.machine.pid}/root/opt/strace")
        root.mkdir(parents=True)
        subprocess.run(["tar", "-C", str(root), "-x", "--no-same-owner"], input=packed, check=True)
        self.machine.run("chmod", "-R", "a+rX", "/opt/strace")
