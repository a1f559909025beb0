from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .box import Box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Nothing is to be sent."""
    box = Box(tmp_path)
    yield box
    box.store.close()


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Box]:
    """Everything is to be sent."""
    box = Box(tmp_path, sends=True)
    yield box
    box.store.close()
