"""A box to apply configurations to: a directory of units, a database, and a systemctl that only remembers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from belabox_metrics.schedule.tree import APPLIED

LIB = Path(__file__).parents[3] / "lib"
FAKE = Path(__file__).parent / "fake_systemctl.py"

CONFIG = """\
device: {id: box}
metrics:
  - {name: cpu.usage, interval: 10s}
  - {name: memory.usage, interval: 30s}
  - {name: disk.io, interval: 7s}
"""
# Whoever runs the tests owns the database, also on a machine that has the user of the jobs.
RUN = """\
import sys
from belabox_metrics import owner
from belabox_metrics.schedule import apply
from belabox_metrics.schedule.manager import Manager
owner.USER = "no-such-user"
sys.exit(apply.main(sys.argv[2:], Manager(sys.argv[1])))
"""


class Box:
    """`path` holds config.yaml, units/, m.db and bin/systemctl; its systemd runs unless `booted` is removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.units = path / "units"
        self.database = path / "m.db"
        self.booted = path / "booted"
        self.environment: dict[str, str] = {}
        self._state = path / "state.json"
        self.units.mkdir()
        self.booted.mkdir()
        (path / "bin").mkdir()
        systemctl = path / "bin" / "systemctl"
        systemctl.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "{self._state}" "$@"\n')
        systemctl.chmod(0o755)
        self.config.write_text(CONFIG)
        self._state.write_text('{"units": {}, "calls": [], "fails": [], "dies": [], "version": 249}')
        self.tell("belabox-metrics.target", ActiveState="active")

    def apply(self, *options: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the job as a process of its own."""
        words = ["--config", str(self.config), "--units", str(self.units), "--database", str(self.database)]
        environment = {
            "PATH": f"{self.path / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": f"{self.path}:{LIB}",
            **self.environment,
        }
        command = [sys.executable, "-B", "-c", RUN, str(self.booted), *words, *options]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
        return done

    def configure(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def tell(self, unit: str, **properties: str) -> None:
        """What systemd thinks of a unit."""
        state = self._read()
        state["units"].setdefault(unit, {}).update(properties)
        self._state.write_text(json.dumps(state))

    def upgrade_systemd(self, version: int) -> None:
        self._state.write_text(json.dumps({**self._read(), "version": version}))

    def break_at(self, how: str, verb: str) -> None:
        """systemctl VERB `fails` or `dies` (and takes its caller with it, once)."""
        self._state.write_text(json.dumps({**self._read(), how: [verb]}))

    def mend(self) -> None:
        self._state.write_text(json.dumps({**self._read(), "fails": [], "dies": []}))

    def calls(self) -> list[list[str]]:
        """What systemctl was told to change since the last time this was asked."""
        state = self._read()
        self._state.write_text(json.dumps({**state, "calls": []}))
        return [call for call in state["calls"] if call[0] != "show"]

    def is_active(self, unit: str) -> bool:
        return bool(self._read()["units"].get(unit, {}).get("ActiveState") == "active")

    def tree(self) -> dict[str, str]:
        """Path below units/ -> text, or where a link points."""
        return {
            str(path.relative_to(self.units)): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
            for path in sorted(self.units.rglob("*"))
            if (path.is_symlink() or path.is_file()) and path.name != APPLIED
        }

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._state.read_text())
        return found


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)
