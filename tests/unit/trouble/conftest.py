from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .box import Box


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """With a past."""
    box = Box(tmp_path)
    box.fill()
    return box


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Box]:
    """On a disk of its own, of 4 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=64", "tmpfs", disk], check=True)
    try:
        box = Box(disk)
        # /run is another disk.
        run = tmp_path / "run"
        run.mkdir()
        box.environment.update({"BELABOX_METRICS_RUN": str(run), "BELABOX_METRICS_RECOVER": str(run / "wanted")})
        yield box
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
