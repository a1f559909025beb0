"""The outages of a flood: in which way the server was away, and how long it took until nothing old waited any more."""

from __future__ import annotations

import random
from collections import Counter
from statistics import median

from ..server import WAYS


class Outages:
    """Each way has its turn, in an order of `chance`."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._turns: list[str] = []
        self.ways: Counter[str] = Counter()
        # Since when it is up again and is not caught up: the last one, and those that another has cut short.
        self._ended: list[int] = []
        self._cut_short: list[int] = []
        self.within_s: list[int] = []
        self.beyond_s: list[int] = []

    def begin(self) -> str:
        """Another one; in which way."""
        if not self._turns:
            self._turns = self._chance.sample(WAYS, len(WAYS))
        way = self._turns.pop()
        self.ways[way] += 1
        self._cut_short += self._ended
        self._ended = []
        return way

    def end(self, second: int) -> None:
        self._ended.append(second)

    def caught_up(self, second: int) -> None:
        """Nothing waits but what was sampled since the sending before this one."""
        self.within_s += [second - ended for ended in self._ended]
        self.beyond_s += [second - ended for ended in self._cut_short]
        self._ended, self._cut_short = [], []

    def figures(self) -> list[str]:
        times = sum(self.ways.values())
        caught_up = len(self.within_s) + len(self.beyond_s)
        found = [
            f"{times} outages ({', '.join(f'{way} {often}' for way, often in sorted(self.ways.items()))})",
            f"all caught up after {caught_up} of them",
        ]
        if self.within_s:
            found.append(f"{len(self.within_s)} before the next: {_seconds(self.within_s)}")
        if self.beyond_s:
            found.append(f"{len(self.beyond_s)} only after the next had come too: {_seconds(self.beyond_s)}")
        return found


def _seconds(found: list[int]) -> str:
    return f"median {median(found):g} s, longest {max(found)} s"
