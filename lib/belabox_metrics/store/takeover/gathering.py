"""Rows to runs: what was sampled at one time, in one session, with one priority and one fate, is one run."""

from __future__ import annotations

from ...clock import EARLIEST_MS
from ...json_text import quote
from ..importer import OldRun
from ..queue import PRIORITIES
from ..runs import NORMAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Value = Union[int, float, str, None]

# The view numbers the samples of a run, up to 4096.
MOST = 1000
SESSION_LIMIT = 200
_INFINITY = float("inf")


class _Group:
    """A run in the making."""

    __slots__ = ("has", "numbers", "shape", "values")

    def __init__(self) -> None:
        self.has: set[tuple[str, str]] = set()
        self.shape: list[tuple[str, str]] = []
        self.values: list[str] = []
        self.numbers = 0


class Gathering:
    """`rows` taken, of which `left` are no samples and `twice` say again what one before has said; `size` of their
    texts, in characters. `at`, `seen`: the time of the last, and the series of that time."""

    def __init__(self, name: str, before: Gathering | None = None) -> None:
        self._name = name
        self._groups: dict[tuple[int, str, int, bool], list[_Group]] = {}
        # A tick that was cut in two has its duplicates in both.
        self.at: int | None = before.at if before else None
        self.seen: set[tuple[str, str, bool | None]] = before.seen if before else set()
        self.rows = self.left = self.twice = self.size = 0

    def add(
        self, timestamp_ms: int, name: object, tags: str, value: Value, session: object, priority: object, sent: bool
    ) -> None:
        """One sample. The same series, kind and time twice is one; what has no value is of a kind of its own, lest it
        hides one that has."""
        if not isinstance(name, str) or not name:
            self.leave()
            return
        self.rows += 1
        if timestamp_ms != self.at:
            self.at = timestamp_ms
            self.seen = set()
        text, is_number = _spelled(value)
        key = name, tags, None if text == "null" else isinstance(value, str)
        if key in self.seen:
            self.twice += 1
            return
        self.seen.add(key)
        level = priority if isinstance(priority, int) and priority in PRIORITIES else NORMAL
        stream = str(session)[:SESSION_LIMIT] if session else ""
        group = self._place((timestamp_ms, stream, level, sent), (name, tags))
        group.shape.append((name, tags))
        group.has.add((name, tags))
        group.values.append(text)
        group.numbers += is_number
        self.size += len(text)

    def leave(self) -> None:
        """A row that is no sample."""
        self.rows += 1
        self.left += 1

    def found(self) -> list[OldRun]:
        """The runs, in the order of time."""
        return [
            OldRun(
                timestamp_ms,
                group.shape,
                f"[{','.join(group.values)}]",
                group.numbers,
                sent=sent,
                priority=priority,
                session=session,
                metric=self._name,
                # Nobody noted whether the clock was set. Where it can't have been, no server takes the time it told.
                synchronized=timestamp_ms >= EARLIEST_MS,
            )
            for (timestamp_ms, session, priority, sent), groups in sorted(self._groups.items())
            for group in groups
        ]

    def _place(self, key: tuple[int, str, int, bool], series: tuple[str, str]) -> _Group:
        groups = self._groups.setdefault(key, [])
        for group in groups:
            if series not in group.has and len(group.values) < MOST:
                return group
        groups.append(_Group())
        return groups[-1]


def _spelled(value: Value) -> tuple[str, bool]:
    """As runs.pack() spells it, and whether it is a number. What is not finite has no value, there too."""
    if isinstance(value, str):
        return quote(value), False
    if value is None or value != value or value in (_INFINITY, -_INFINITY):
        return "null", False
    return repr(value), True
