"""What one maintenance leaves to the next: how far it came.

Forgotten, it is found out again, which only takes longer.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment

# So often everything is looked at again: runs that came in with old ids, as from another database; what nobody uses.
SWEEP_MS = 24 * 3_600_000
# A clock that has been set, and is further ahead after a while than the while was long, was set anew: by a person, or
# by a server that is wrong. What is deleted then is gone for good, so that is believed only when it has lasted.
AHEAD_MS = 3_600_000
LASTING_MS = 24 * 3_600_000
# Across a boot nobody knows how long the box was away. Beyond this the same holds: a box that comes back after a month
# keeps what it has for a day of being up.
AWAY_MS = 7 * LASTING_MS


class Memory:
    """`marks`: by name, up to which row of a table a step has nothing left to do. `checked`: the place in the list of
    turns. `now_ms`: the time to judge ages by. `sweeps`: everything is to be looked at.

    `right_ms`: what the time is by what was found out in this boot before, None for nothing."""

    def __init__(self, text: str, elapsed_ms: int | None, moment: Moment, right_ms: int | None = None) -> None:
        found = _read(text)
        marks = found.get("marks")
        self.marks: dict[str, int] = {}
        self.checked = _number(found, "checked")
        before_ms, swept_ms = _number(found, "now_ms"), _number(found, "swept_ms")
        self.now_ms = moment.wall_ms
        passed_ms = moment.boottime_ms if elapsed_ms is None else elapsed_ms
        expected_ms, doubted_ms = before_ms + passed_ms, found.get("doubted_ms")
        if not moment.synchronized and before_ms:
            # A clock that nobody has set is believed as far as the box was up since: one that wakes up in ten years
            # must not find everything too old.
            self.now_ms = min(moment.wall_ms, expected_ms)
        if not before_ms and right_ms is not None:
            # The first maintenance of all has nothing else to hold a clock against that somebody has put ahead.
            self.now_ms = min(moment.wall_ms, right_ms)
        # A clock that nobody has set may be years behind: what was known stays the measure.
        self._kept_ms = self.now_ms if moment.synchronized or not before_ms else expected_ms
        self._is_set = moment.synchronized
        is_known = found.get("is_known") is True or found.get("is_set") is True
        self._is_known = is_known or moment.synchronized
        self._doubted_ms: int | None = None
        if moment.synchronized and is_known:
            lasting_ms = doubted_ms + passed_ms if type(doubted_ms) is int else 0
            was_set = elapsed_ms is not None and found.get("is_set") is True
            if moment.wall_ms > expected_ms + (AHEAD_MS if was_set else AWAY_MS) and lasting_ms < LASTING_MS:
                self.now_ms, self._doubted_ms = expected_ms, lasting_ms
                self._kept_ms = expected_ms
        self.sweeps = not 0 <= self.now_ms - swept_ms < SWEEP_MS
        self._swept_ms = self.now_ms if self.sweeps else swept_ms
        if not self.sweeps and isinstance(marks, dict):
            self.marks = {str(name): mark for name, mark in marks.items() if type(mark) is int}

    def mark(self, name: str) -> int:
        return self.marks.get(name, 0)

    def text(self) -> str:
        """For the next time."""
        told = {
            "marks": self.marks,
            "checked": self.checked,
            "now_ms": self._kept_ms,
            "swept_ms": self._swept_ms,
            "is_set": self._is_set,
            "is_known": self._is_known,
            "doubted_ms": self._doubted_ms,
        }
        return json.dumps(told, separators=(",", ":"))


def _read(text: str) -> dict[str, object]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(found: dict[str, object], name: str) -> int:
    value = found.get(name)
    return value if type(value) is int else 0
