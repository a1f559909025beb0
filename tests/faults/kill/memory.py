"""A limit of memory that the kernel keeps: a control group of its own, of whichever version this machine has."""

from __future__ import annotations

import os
from pathlib import Path

from ..injection import Range

OLD = Path("/sys/fs/cgroup/memory")
NEW = Path("/sys/fs/cgroup")


class Memory:
    """`is_there`: this machine lets us make such a group."""

    def __init__(self) -> None:
        self.is_there = False
        self._old = (OLD / "memory.limit_in_bytes").exists()
        self._group = (OLD if self._old else NEW) / f"belabox-faults-{os.getpid()}"

    def __enter__(self) -> Memory:
        try:
            self._group.mkdir()
            self.is_there = self._limit.exists()
        except OSError:
            pass
        return self

    def __exit__(self, *_: object) -> None:
        if self._group.exists():
            self._group.rmdir()

    @property
    def _limit(self) -> Path:
        return self._group / ("memory.limit_in_bytes" if self._old else "memory.max")

    def within(self, limit: int) -> list[str]:
        """What a command is an argument of that is to have so many bytes at most, and is killed for more."""
        # A new one each time: what the last has left in files in memory counts, and a limit below that is refused.
        self._group.rmdir()
        self._group.mkdir()
        self._limit.write_text(str(limit))
        return ["/bin/sh", "-c", f'echo $$ >{self._group}/cgroup.procs && exec "$@"', "-"]

    def needed(self, here: Range, job: str) -> int:
        """Bytes that the job gets along with, to a quarter."""
        least, most = 256 * 1024, 32 * 1024 * 1024
        while most - least > least // 4:
            middle = (least + most) // 2
            if here.box(job).job(job, before=self.within(middle)).returncode:
                least = middle
            else:
                most = middle
        return most
