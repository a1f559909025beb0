"""Measured figures: medians with their spread, ratios against a floor, a table and JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tests.provenance import machine


class Spread(NamedTuple):
    """The median of so many values, and between what the middle half of them lies."""

    median: float
    low: float
    high: float
    of: int

    def __str__(self) -> str:
        if self.of == 1:
            return short(self.median)
        return f"{short(self.median)} ({short(self.low)} to {short(self.high)})"

    def over(self, floor: Spread) -> float:
        """How many times the floor's median this one's is."""
        return self.median / floor.median


class Figure(NamedTuple):
    """One line of the table. `reach` is what it is to be at most, or with `least` at least."""

    section: str
    name: str
    value: float
    unit: str
    detail: str = ""
    reach: float | None = None
    least: bool = False

    @property
    def verdict(self) -> str:
        if self.reach is None:
            return ""
        reached = self.value >= self.reach if self.least else self.value <= self.reach
        return f"{'≥' if self.least else '≤'} {short(self.reach)} {'yes' if reached else 'NO'}"


def spread(values: Iterable[float]) -> Spread:
    found = sorted(values)
    if len(found) < 2:
        return Spread(found[0], found[0], found[0], 1)
    low, middle, high = statistics.quantiles(found, n=4)
    return Spread(middle, low, high, len(found))


def short(number: float) -> str:
    """Three digits that matter; whole numbers whole."""
    if number == int(number) or abs(number) >= 1000:
        return f"{number:,.0f}".replace(",", " ")
    return f"{number:.3g}"


def table(figures: list[Figure]) -> str:
    lines = ["| figure | value | reach | measured |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {line.section}: {line.name} | {short(line.value)} {line.unit} | {line.verdict} | {line.detail} |"
        for line in figures
    ]
    return "\n".join(lines)


def document(figures: list[Figure]) -> dict[str, Any]:
    return {"machine": machine(), "figures": [{**figure._asdict(), "verdict": figure.verdict} for figure in figures]}


def write(figures: list[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(figures), indent=1, ensure_ascii=False) + "\n")
