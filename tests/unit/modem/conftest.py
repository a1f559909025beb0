"""A system bus of its own with a simulated ModemManager on it, for the real mmcli."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SIMULATION = Path(__file__).parent / "modem_manager.py"
# The distribution's interpreter: it has the bindings of D-Bus.
PYTHON = "/usr/bin/python3"
MODEM = "org.freedesktop.ModemManager1.Modem"

Modem = dict[str, dict[str, object]]


class Simulated:
    """What ModemManager will say from the next question on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.modems: dict[str, Modem] = {}
        self.tell()

    def tell(self, silent: bool = False) -> None:
        """Make `modems` known, or have it answer nothing at all any more."""
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({"silent": silent, "modems": self.modems}))
        new.rename(self._file)


@pytest.fixture(scope="session")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a bus on which anybody may own any name."""
    path = tmp_path_factory.mktemp("bus") / "socket"
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={path}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert daemon.stdout
    yield daemon.stdout.readline().strip()
    daemon.terminate()
    daemon.wait()


@pytest.fixture
def manager(bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    """A ModemManager without modems so far, on the bus that this process, and mmcli, take for the system's."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus)
    described = Simulated(tmp_path / "described.json")
    process = subprocess.Popen(
        [PYTHON, SIMULATION, tmp_path / "described.json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus},
    )
    assert process.stdout
    assert process.stdout.readline() == "READY\n"
    yield described
    process.terminate()
    process.wait()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A box as a folder that has the real mmcli, and nothing else."""
    path = tmp_path / "box"
    (path / "usr/bin").mkdir(parents=True)
    (path / "usr/bin/mmcli").symlink_to("/usr/bin/mmcli")
    (path / "etc").mkdir()
    (path / "etc/machine-id").write_text("5f3c9e0d2a7b41c8a6e4d1f09b8c7a35\n")
    return path
