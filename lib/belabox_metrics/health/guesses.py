"""Wrong tokens of late, by who showed them: so that nobody can try many.

The process leaves when nobody asks, and forgets them then; whoever waits for that is slow enough.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

# A person who mistypes needs fewer.
MOST = 10
WINDOW_S = 60.0
# Sources that are remembered: with more addresses than that an attacker is slowed by the network alone.
SOURCES = 256
# The bytes of an address of IPv6 that a household has for itself: it may change the others at will.
_NETWORK = 8


class Guesses:
    """By source how many there were since the first of them, WINDOW_S at most. `clock`: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: dict[bytes, tuple[int, float]] = {}

    def wrong(self, address: bytes) -> None:
        """One more from this address, as packed() gives it."""
        source = address[:_NETWORK]
        count, since = self._standing(source)
        self._found.pop(source, None)
        if len(self._found) >= SOURCES:
            del self._found[next(iter(self._found))]
        self._found[source] = count + 1, since

    def wait_s(self, address: bytes) -> int:
        """For how many seconds nothing more is heard from there; 0: it is."""
        count, since = self._standing(address[:_NETWORK])
        return int(since + WINDOW_S - self._clock()) + 1 if count >= MOST else 0

    def _standing(self, source: bytes) -> tuple[int, float]:
        now = self._clock()
        count, since = self._found.get(source, (0, now))
        return (count, since) if now - since < WINDOW_S else (0, now)
