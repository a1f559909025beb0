"""How long to wait after a failure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..remote.settings import Retry

# A wrong token or a wrong URL is mended by a person, not by asking again.
REFUSED_MS = 5 * 60 * 1000


def delay_ms(failures: int, retry: Retry, random: Callable[[], float]) -> int:
    """After so many failures in a row, the first being 1. `random` gives numbers in [0, 1): boxes that lost their
    server together shall not come back together."""
    delay = float(retry.initial_backoff_ms)
    for _ in range(min(failures, 64) - 1):
        if delay >= retry.max_backoff_ms:
            break
        delay *= retry.backoff_multiplier
    return jittered_ms(min(delay, retry.max_backoff_ms), retry, random)


def jittered_ms(delay: float, retry: Retry, random: Callable[[], float]) -> int:
    """`delay`, up to `jitter_percent` longer or shorter."""
    return max(0, int(delay * (1 + (2 * random() - 1) * retry.jitter_percent / 100)))


def no_sooner_ms(wanted: float, retry: Retry, random: Callable[[], float]) -> int:
    """`wanted`, up to `jitter_percent` longer: a server that names a time names the same one to all boxes."""
    return int(wanted * (1 + random() * retry.jitter_percent / 100))
