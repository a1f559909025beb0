"""The running systemd, through systemctl(1)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import NamedTuple

from ..errors import Problem, TryLater

# sd_booted(3): this directory exists when systemd is process 1.
RUNTIME = "/run/systemd/system"
# Seconds. A timer or socket starts at once; a busy box reloads in a few.
PATIENCE = 90


class State(NamedTuple):
    """Of one unit: `active` is from its start to its stop; `stale` is loaded from files that have changed."""

    active: bool
    masked: bool
    stale: bool


class Manager:
    """`runtime` tells whether there is a systemd to talk to; where there is none everything is a no. `patience_s`
    bounds each question and each order."""

    def __init__(self, runtime: str = RUNTIME, patience_s: float = PATIENCE) -> None:
        self._runtime = runtime
        self._patience_s = patience_s

    def is_there(self) -> bool:
        return os.path.isdir(self._runtime) and shutil.which("systemctl") is not None

    def version(self) -> int:
        """0 where there is none."""
        if not self.is_there():
            return 0
        # `systemd 252 (252.39-1~deb12u1)`
        _, _, behind = self._systemctl("--version").partition(" ")
        digits = behind[:3]
        return int(digits) if digits.isascii() and digits.isdigit() else 0

    def look(self, units: list[str]) -> dict[str, State]:
        """State by name; `units` may have patterns, which match what is loaded."""
        states: dict[str, State] = {}
        for found in self.show(units, "ActiveState", "LoadState", "NeedDaemonReload"):
            active = found.get("ActiveState") in ("active", "activating", "reloading")
            masked = found.get("LoadState") == "masked"
            states[found["Id"]] = State(active, masked, found.get("NeedDaemonReload") == "yes")
        return states

    def show(self, units: list[str], *properties: str) -> list[dict[str, str]]:
        """Properties of `units` (systemd.unit(5)), `Id` among them, as systemctl show tells them."""
        said = self._systemctl("show", f"--property=Id,{','.join(properties)}", "--", *units)
        blocks = [dict(line.split("=", 1) for line in block.split("\n") if "=" in line) for block in said.split("\n\n")]
        return [found for found in blocks if "Id" in found]

    def next_runs(self, pattern: str) -> dict[str, int]:
        """When each active timer that fits elapses next, Unix ms. {} before systemd 249, which tells it to people
        alone."""
        said = self._systemctl("list-timers", "--output=json", "--", pattern)
        try:
            timers = json.loads(said)
            return {str(timer["unit"]): timer["next"] // 1000 for timer in timers if type(timer.get("next")) is int}
        except (ValueError, TypeError, KeyError, AttributeError):
            return {}

    def reload(self) -> None:
        self._systemctl("daemon-reload")

    def start(self, units: list[str]) -> None:
        self._change("start", units)

    def stop(self, units: list[str]) -> None:
        self._change("stop", units)

    def restart(self, units: list[str]) -> None:
        self._change("restart", units)

    def _change(self, verb: str, units: list[str]) -> None:
        if units:
            self._systemctl(verb, "--", *units)

    def _systemctl(self, *words: str) -> str:
        command = ["systemctl", "--no-pager", "--no-ask-password", *words]
        shown = _shown([word for word in words if not word.startswith("--")])
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                check=False,
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=self._patience_s,
            )
        except subprocess.TimeoutExpired:
            raise TryLater(f"systemctl {shown} took more than {self._patience_s:g} s") from None
        except OSError as fault:
            raise Problem(f"can't run systemctl: {fault.strerror}") from fault
        if done.returncode != 0:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise Problem(f"systemctl {shown} failed: {said}", hint="see systemctl status of the unit")
        return done.stdout


def _shown(words: list[str]) -> str:
    """A command on dozens of units is no message."""
    return " ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
