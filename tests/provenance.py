"""Where figures are from: which machine, which commit."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = "/usr/bin/python3"


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    version = subprocess.run([PYTHON, "-V"], capture_output=True, text=True, check=True).stdout.strip()
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "CPU part")):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": f"{os.cpu_count()} x {model}",
        "kernel": platform.release(),
        "python": version,
        "sqlite": sqlite3.sqlite_version,
        "load": "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def commit() -> str:
    """Of this checkout, with "-dirty" where it has been changed; "" where it is none."""
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
