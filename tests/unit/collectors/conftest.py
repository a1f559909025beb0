"""Boxes as folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Union

import pytest

Put = Callable[[str, Union[str, bytes]], str]


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return Path(__file__).parents[2] / "fixtures"


@pytest.fixture(scope="session")
def box(fixtures: Path) -> str:
    """The root of a whole Orange Pi 5+."""
    return str(fixtures / "orangepi5plus")


@pytest.fixture(scope="session")
def later(fixtures: Path) -> str:
    """The same box 10 seconds later."""
    return str(fixtures / "orangepi5plus.later")


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """put("/proc/stat", text) -> the root of a box that has this file."""

    def put(path: str, content: str | bytes) -> str:
        file = Path(f"{tmp_path}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.fsencode(content))
        return str(tmp_path)

    return put
