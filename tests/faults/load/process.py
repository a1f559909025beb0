"""What a process took: until it ended, and of the CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..box import Box


class Took(NamedTuple):
    """`code`: it left with."""

    code: int
    seconds: float
    cpu_s: float


class Started:
    """A job of `box`, on its way. What it says goes into `said`."""

    def __init__(self, box: Box, job: str, said: Path, before: Sequence[str] = ()) -> None:
        command = [*before, *box.command(job)]
        self._began = time.monotonic()
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        actions = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        self._pid = os.posix_spawnp(command[0], command, box.environment, file_actions=actions)
        os.close(output)

    def ended(self) -> Took:
        _, status, used = os.wait4(self._pid, 0)
        seconds = time.monotonic() - self._began
        code = os.waitstatus_to_exitcode(status) if hasattr(os, "waitstatus_to_exitcode") else status
        return Took(code, seconds, used.ru_utime + used.ru_stime)
