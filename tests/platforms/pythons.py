"""The unit tests by each Python that is promised and can be had on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

from . import units
from .outcome import NotHad, Part, Row, attempt, save

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
# Of the distribution everywhere else.
MODULES = ("pyyaml", "requests")


def run() -> Part:
    rows: list[Row] = []
    for version in VERSIONS:
        rows.append(attempt(f"Python {version}", partial(tested, version)))
        part = save("pythons", "Without python3-systemd, which only the distribution's Python has", rows)
    return part


def tested(version: str) -> str:
    python = environment(version)
    done = subprocess.run(
        [python, *units.words()], cwd=units.CHECKOUT, capture_output=True, text=True, check=False, timeout=1800
    )
    about = [str(python), "-c", "import sqlite3, sys; print(sys.version.split()[0], 'SQLite', sqlite3.sqlite_version)"]
    return f"{units.summary(done)}; {subprocess.run(about, capture_output=True, text=True, check=True).stdout.strip()}"


def environment(version: str) -> Path:
    """The interpreter of a virtual environment with the tools."""
    directory = units.CACHE / f"python-{version}"
    python = directory / "bin/python"
    if not (directory / "complete").exists():
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([interpreter(version), "-m", "venv", str(directory)], check=True, capture_output=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *units.TOOLS, *MODULES], check=True, capture_output=True)
        (directory / "complete").touch()
    return python


def interpreter(version: str) -> str:
    """Where this machine has it: beside the others, or where pyenv puts what it builds. Raises NotHad."""
    beside = shutil.which(f"python{version}", path="/usr/local/bin:/usr/bin")
    built = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    if not beside and not built:
        raise NotHad(f"there is no python{version} here, neither in /usr nor of pyenv")
    return beside or str(built[-1])
