"""Room for boxes that are thrown away: in memory where that is had, or else all that is tried waits for a disk."""

from __future__ import annotations

import os
import tempfile

MEMORY = "/dev/shm"


def scratch() -> tempfile.TemporaryDirectory[str]:
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="belabox-faults-", dir=place)
