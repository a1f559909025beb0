"""The packages of the Python that a machine has, and of another that is newer or older, as apt has them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.machine.machine import Machine

# What the jobs run on: all of the same version.
NAMES = ("libpython{0}-minimal", "libpython{0}-stdlib", "python{0}-minimal", "python{0}")
THERE = "/var/cache/python"
DOWNLOAD_S = 120


@contextmanager
def upgrades(machine: Machine) -> Iterator[list[tuple[str, ...]]]:
    """dpkg's words for each version that can be had, the machine's own last; none where this machine is of another kind
    than that one, or gives none."""
    release = machine.run("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").stdout.strip()
    names = [name.format(release) for name in NAMES]
    own = machine.run("dpkg-query", "-Wf", "${Version}", names[-1]).stdout.strip()
    others = [version for version in _versions(names[-1]) if version != own]
    folder = Path(f"/proc/{machine.pid}/root{THERE}")
    found: list[tuple[str, ...]] = []
    for version in (*others[:1], own):
        if _downloaded(names, version, folder / version):
            found.append(("sh", "-c", f"dpkg --install --force-downgrade {THERE}/{version}/*.deb"))
    try:
        yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _versions(name: str) -> list[str]:
    said = subprocess.run(["apt-cache", "madison", name], capture_output=True, text=True, check=False).stdout
    return [line.split("|")[1].strip() for line in said.splitlines()]


def _downloaded(names: list[str], version: str, folder: Path) -> bool:
    with tempfile.TemporaryDirectory() as here:
        words = ["apt-get", "--quiet", "download", *[f"{name}={version}" for name in names]]
        done = subprocess.run(words, cwd=here, capture_output=True, check=False, timeout=DOWNLOAD_S)
        if done.returncode == 0:
            shutil.copytree(here, folder)
    return done.returncode == 0
