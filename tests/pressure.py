"""For how long a machine's programs waited for the host: what that delays is no fault of theirs."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from pathlib import Path

KINDS = ("cpu", "io", "memory")
EVERY_S = 0.2


def stalled_s(text: str) -> float:
    """Of a file of pressure (PSI): seconds in all in which somebody waited."""
    found = [line for line in text.splitlines() if line.startswith("some ")]
    return int(found[0].rpartition("total=")[2]) / 1e6 if found else 0.0


class Waits:
    """How long somebody had waited in all, by the time (Unix seconds) at which it was looked."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._totals: list[float] = []

    def note(self, at: float, texts: Iterable[str]) -> None:
        """What the files say at that time."""
        self._totals.append(sum(map(stalled_s, texts)))
        self._times.append(at)

    def between(self, begin: float, end: float) -> float:
        """Seconds for which somebody waited between these moments, at most all of them."""
        times = self._times
        if not times:
            return 0.0
        first = max(0, bisect_right(times, begin) - 1)
        last = min(len(times) - 1, bisect_left(times, end))
        return max(0.0, min(end - begin, self._totals[last] - self._totals[first]))


class Pressure(Waits):
    """Looks from when it is made until close(); `pid` is a process in the machine. Where the kernel tells nothing of
    the machine by itself nobody waited: that of the whole host would excuse everything."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        files = [Path(f"/proc/{pid}/root/sys/fs/cgroup/{kind}.pressure") for kind in KINDS]
        self._files = [path for path in files if path.exists()]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while True:
            self.note(time.time(), (path.read_text() for path in self._files))
            if self._over.wait(EVERY_S):
                return

    def close(self) -> None:
        self._over.set()
        self._thread.join()
