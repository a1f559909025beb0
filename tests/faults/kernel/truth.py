"""What time it really was, by the time since boot: what the lab has done to the clock it knows, the box does not."""

from __future__ import annotations


class Truth:
    """`offset`: Unix time less the time since boot, from the boot on."""

    def __init__(self, offset: float) -> None:
        # From then on, seconds since boot: Unix time at that moment, and how much passes in each second.
        self._pieces = [(0.0, offset, 1.0)]

    def goes_on(self, since: float, unix: float, rate: float = 1) -> None:
        """From then on, seconds since boot."""
        self._pieces.append((since, unix, rate))

    def unix(self, at: float) -> float:
        since, unix, rate = next(piece for piece in reversed(self._pieces) if piece[0] <= at)
        return unix + (at - since) * rate

    def offset(self, at: float) -> float:
        return self.unix(at) - at
