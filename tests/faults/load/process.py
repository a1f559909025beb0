"""What a process took: until it ended, of the CPU, and of memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..box import PYTHON, Box

# The kernel keeps the largest size of a process across exec, so that of a small one between is the floor, not ours.
_PEAK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


class Took(NamedTuple):
    """`code`: it left with."""

    code: int
    seconds: float
    cpu_s: float


class Started:
    """A process of `box`, on its way. What it says goes into `said`."""

    def __init__(self, box: Box, command: list[str], said: Path) -> None:
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


def collection(box: Box, metric: str) -> list[str]:
    """The command that collects it."""
    return [*box.command("collect")[:-1], metric]


def peak_kb(box: Box, command: Sequence[str]) -> int:
    """How much memory it has at most, what it shares with others included."""
    between = [PYTHON, "-I", "-S", "-c", _PEAK, *command]
    done = subprocess.run(between, env=box.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return int(done.stdout.split()[-1])
