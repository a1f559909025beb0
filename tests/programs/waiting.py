"""Waiting for a program that can't say when it is ready."""

from __future__ import annotations

import time
from typing import Callable


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
