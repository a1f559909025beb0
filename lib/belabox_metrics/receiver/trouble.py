"""What the receiver was told to do wrong, so that one can see how a sender takes it."""

from __future__ import annotations

import random
import threading

# What can go wrong besides an HTTP status.
DROP = "drop"
TRUNCATE = "truncate"
PAGE = "page"
WAYS = (DROP, TRUNCATE, PAGE)
# Of these the samples are taken and only the answer is lost: what is sent again then, comes twice.
TAKEN = (DROP, TRUNCATE)


class Trouble:
    """`how`: a status ("503"), drop, truncate or page; "" for nothing.

    `every`: each so-manieth upload; `percent`: so many of a hundred, by chance; with neither, all of them."""

    def __init__(self, how: str = "", every: int = 0, percent: float | None = None) -> None:
        self._how = how
        self._every = every
        self._percent = percent
        self._count = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        """What to do to the next upload: `how` or "" """
        with self._lock:
            self._count += 1
            due = self._count % self._every == 0 if self._every else True
        if self._percent is not None:
            due = random.random() * 100 < self._percent  # noqa: S311 - nobody's secret
        return self._how if due else ""
