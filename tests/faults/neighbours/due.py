"""Runs against when they were due, how many are left out; and against what was told of them, how many are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def left_out(begin_ms: int, starts_ms: list[int], phase_ms: int, every_ms: int) -> tuple[int, int]:
    """(due, left out) from `begin_ms` to the last of `starts_ms`, all Unix time: one each `every_ms`, `phase_ms` behind
    the full.

    A run takes the place of the last time it was due before its start. Of two in one place the first was so late that
    it is the one before, where nobody is."""
    places = Counter((start - phase_ms) // every_ms for start in starts_ms)
    due = range((begin_ms - phase_ms) // every_ms + 1, max(places, default=0) + 1)
    missing = {place for place in due if not places[place]}
    late = {place - 1 for place, runs in places.items() if runs > 1}
    return len(due), len(missing - late)


def lost(starts_ms: Iterable[int], told_ms: Iterable[int]) -> int:
    """How many of `told_ms`, when a run was told to be stored, have no run. One starts when the one before has told."""
    starts, told = sorted(starts_ms), sorted(told_ms)
    count = 0
    for before, after in zip([0, *told], told):
        count += not any(before <= start <= after for start in starts)
    return count
