"""What was put into a box before the fault, number by number; and what is to be said where that is not found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

# Which of the series of a metric, Unix time in ms, value.
Number = tuple[str, int, float]
# A step of time of one series: which, its begin and length in ms. And what its numbers come to.
Step = tuple[str, int, int]


class Sums(NamedTuple):
    numbers: int
    least: float
    greatest: float
    total: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Sums:
        every = list(values)
        return cls(len(every), min(every, default=0), max(every, default=0), round(sum(every), 6))

    def with_(self, other: Sums) -> Sums:
        return Sums(
            self.numbers + other.numbers,
            min(self.least, other.least),
            max(self.greatest, other.greatest),
            round(self.total + other.total, 6),
        )


class Known(NamedTuple):
    """`past`: sent long ago; `fresh`: to be sent."""

    past: Counter[Number]
    fresh: Counter[Number]


def differing(
    wanted: Counter[Number], found: Counter[Number], of: str, steps: dict[Step, Sums] | None = None
) -> list[str]:
    """What is not there, or is there and was never put; of what is rolled up only `steps` are left."""
    missing, other = wanted - found, found - wanted
    said = []
    for step, sums in (steps or {}).items():
        which, begin, length = step
        those = Counter({n: times for n, times in missing.items() if n[0] == which and begin <= n[1] < begin + length})
        missing -= those
        if sums != (meant := Sums.of(value for _, _, value in those.elements())):
            said.append(f"{of}: the step {step} says {sums}, not {meant}")
    for what, numbers in (("missing", missing), ("never stored", other)):
        if numbers:
            said.append(f"{of}: {sum(numbers.values())} numbers are {what}, as {min(numbers)}")
    return said
