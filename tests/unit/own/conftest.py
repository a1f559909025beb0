"""A box with programs of its owner's."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.own.collector import DIRECTORY

Install = Callable[[str, str], Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """install("name", "echo a 1") -> the path of a shell script below `tmp_path`, the root of the box."""
    folder = Path(f"{tmp_path}{DIRECTORY}")
    folder.mkdir(parents=True)
    folder.chmod(0o755)

    def install(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return install
