"""What some numbers of one series come to: a gauge's least, greatest, total, last and count; of a counter what it rose.

How one is written, as a JSON value in the row of a step of time (tables `minutes` and `five_minutes`):

    gauge    3.5                                  one number
             [value, count]                       always the same
             [least, greatest, total, last, count]
    counter  1017                                 one number
             [last, rise, count]                  it only rose: it began at last - rise
             [last, rise, count, least, greatest, first]
    text     "a55"                                the last one

`back` may follow in the longest forms: how much less than the step's `last_run` the id of the run of `last` is. Sums,
not means, and so what they are made of does not matter: steps of steps say the same as steps of numbers. Numbers may be
of any kind that adds up: float to be looked at, Decimal to be exact.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from decimal import Decimal
    from typing import Any, Union

    Number = Union[int, float, Decimal]
    Aggregate = Union["Gauge", "Counter"]


class Gauge:
    """`last_run`: the id of the run of `last`: the order of runs is what it was really, whatever the clock said."""

    __slots__ = ("count", "greatest", "last", "last_run", "least", "total")

    def __init__(self, least: Any, greatest: Any, total: Any, last: Any, count: int, last_run: int) -> None:
        self.least = least
        self.greatest = greatest
        self.total = total
        self.last = last
        self.count = count
        self.last_run = last_run

    def take(self, other: Gauge) -> None:
        """Both together, in whatever order."""
        self.least = min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)
        self.total += other.total
        self.count += other.count
        if other.last_run >= self.last_run:
            self.last, self.last_run = other.last, other.last_run

    mix = take

    def spelled(self, last_run: int) -> str:
        """The JSON value in the row of a step whose last run is `last_run`."""
        back = last_run - self.last_run
        if not back and self.count == 1:
            return _number(self.last)
        if not back and self.least == self.greatest:
            return f"[{_number(self.last)},{self.count}]"
        parts = [_number(self.least), _number(self.greatest), _number(self.total), _number(self.last), str(self.count)]
        return f"[{','.join(parts)}{f',{back}' if back else ''}]"


class Counter:
    """`rise`: how much was counted from `first` to `last`; where it began anew, from nothing on."""

    __slots__ = ("count", "first", "greatest", "last", "last_run", "least", "rise")

    def __init__(self, last: Any, rise: Any, count: int, least: Any, greatest: Any, first: Any, last_run: int) -> None:
        self.last = last
        self.rise = rise
        self.count = count
        self.least = least
        self.greatest = greatest
        self.first = first
        self.last_run = last_run

    @property
    def total(self) -> Any:
        """A sum of counts has no meaning: each counts as the last."""
        return self.last * self.count

    def take(self, other: Counter) -> None:
        """Both together: exact when one ended before the other began."""
        before, after = (self, other) if other.last_run >= self.last_run else (other, self)
        rise = before.rise + after.rise + risen(before.last, after.first)
        self.first, self.last, self.last_run, self.rise = before.first, after.last, after.last_run, rise
        self.least = min(before.least, after.least)
        self.greatest = max(before.greatest, after.greatest)
        self.count += other.count

    def spelled(self, last_run: int) -> str:
        """The JSON value in the row of a step whose last run is `last_run`."""
        back = last_run - self.last_run
        if not back and self.count == 1:
            return _number(self.last)
        parts = [_number(self.last), _number(self.rise), str(self.count)]
        if back or not self.only_rose:
            parts += [_number(self.least), _number(self.greatest), _number(self.first)]
        return f"[{','.join(parts)}{f',{back}' if back else ''}]"

    @property
    def only_rose(self) -> bool:
        return bool(self.first == self.least and self.last == self.greatest and self.rise == self.last - self.first)

    def mix(self, other: Counter) -> None:
        """Both together, of runs that may lie among each other, as those of one series in two shapes do when an
        interface comes and goes. Where none began anew nothing is counted twice; where one did, rather too little is
        counted than too much."""
        before, after = (self, other) if other.last_run >= self.last_run else (other, self)
        rise = before.rise + after.rise + risen(before.last, after.first)
        first = before.first
        if after.first < before.last <= after.greatest:
            if before.only_rose and after.only_rose:
                first = min(before.first, after.first)
                rise = after.last - first
            else:
                rise = max(before.rise, after.rise)
        elif after.first < before.last and not (before.only_rose and after.only_rose):
            rise = max(before.rise, after.rise)
        self.take(other)
        self.first, self.rise = first, rise


def risen(before: Any, after: Any) -> Any:
    """By how much a counter rose from one of its values to a later one; one that is less began anew."""
    return after - before if after >= before else after


_NO_NUMBERS = (str, bool, list, dict, type(None))


def is_counter(name: str) -> bool:
    """Counters end in `_total`, everywhere here."""
    return name.endswith("_total")


def single(name: str, value: Any, run: int) -> Aggregate:
    """One number of the series `name`."""
    if is_counter(name):
        return Counter(value, value - value, 1, value, value, value, run)
    return Gauge(value, value, value, value, 1, run)


def read(name: str, cell: Any, last_run: int) -> Aggregate | None:
    """What `cell` of a row says of the series `name`; None for a text, for nothing, and for what can't be read."""
    if isinstance(cell, (str, bool)) or cell is None:
        return None
    if not isinstance(cell, list):
        return None if isinstance(cell, dict) else single(name, cell, last_run)
    if any(isinstance(part, _NO_NUMBERS) for part in cell):
        return None
    try:
        if is_counter(name):
            last, rise, count, *more = cell
            least, greatest, first, *back = more or (last - rise, last, last - rise)
            return Counter(last, rise, count, least, greatest, first, last_run - sum(back))
        if len(cell) == 2:
            value, count = cell
            return Gauge(value, value, value * count, value, count, last_run)
        least, greatest, total, last, count, *back = cell
        return Gauge(least, greatest, total, last, count, last_run - sum(back))
    except (TypeError, ValueError):  # of somebody with a shell
        return None


def _number(value: Number) -> str:
    """Of a Decimal its digits as they are: no sum of 0.1 and 0.2 is 0.30000000000000004."""
    return repr(value) if isinstance(value, (int, float)) else str(value)
