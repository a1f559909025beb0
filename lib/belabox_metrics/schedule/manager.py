"""The running systemd, through systemctl(1)."""

from __future__ import annotations

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
    """`runtime` tells whether there is a systemd to talk to; where there is none everything is a no."""

    def __init__(self, runtime: str = RUNTIME) -> None:
        self._runtime = runtime

    def is_there(self) -> bool:
        return os.path.isdir(self._runtime) and shutil.which("systemctl") is not None

    def look(self, units: list[str]) -> dict[str, State]:
        """State by name; `units` may have patterns, which match what is loaded."""
        properties = "--property=Id,ActiveState,LoadState,NeedDaemonReload"
        said = self._systemctl("show", properties, "--", *units)
        states: dict[str, State] = {}
        for block in said.split("\n\n"):
            found = dict(line.split("=", 1) for line in block.split("\n") if "=" in line)
            if "Id" in found:
                active = found.get("ActiveState") in ("active", "activating", "reloading")
                masked = found.get("LoadState") == "masked"
                states[found["Id"]] = State(active, masked, found.get("NeedDaemonReload") == "yes")
        return states

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
        shown = " ".join(word for word in words if word != "--")
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                check=False,
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise TryLater(f"systemctl {shown} took more than {PATIENCE} s") from None
        except OSError as fault:
            raise Problem(f"can't run systemctl: {fault.strerror}") from fault
        if done.returncode != 0:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise Problem(f"systemctl {shown} failed: {said}", hint="see systemctl status of the unit")
        return done.stdout
