"""Rows of steps of time, with what numbers of runs, or of shorter steps, come to in them: exactly, in any portions."""

from __future__ import annotations

import json
from decimal import Context, Decimal, localcontext
from itertools import chain, repeat

from ..json_text import quote
from ..store import aggregate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Connection
    from typing import Union

    from ..store.aggregate import Aggregate

    # What a place of a row holds: numbers, the last text, or nothing.
    Cell = Union[Aggregate, str, None]

# An id is the number of the step times this, and the shape.
SHAPES = 2**32
# Digits of a sum: those of the largest double beside a thousandth, and some.
DIGITS = 340
EXACT = Context(prec=DIGITS)


class Step:
    """What one shape gave in one step of time. `cells` in the order of the shape."""

    __slots__ = ("cells", "job", "last_run", "priority")

    def __init__(self, job: int, priority: int, last_run: int, cells: list[Cell]) -> None:
        self.job = job
        self.priority = priority
        self.last_run = last_run
        self.cells = cells

    def take(self, other: Step) -> None:
        later = other.last_run >= self.last_run
        self.cells = [_both(mine, its, later) for mine, its in zip(self.cells, other.cells)]
        self.priority = min(self.priority, other.priority)
        self.last_run = max(self.last_run, other.last_run)

    def packed(self) -> str:
        return f"[{','.join([_spelled(cell, self.last_run) for cell in self.cells])}]"

    @property
    def numbers(self) -> int:
        """How many numbers it stands for."""
        return sum(cell.count for cell in self.cells if not isinstance(cell, str) and cell is not None)


class Names:
    """The names of the series of each shape, in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names: dict[int, list[str]] = {}

    def of(self, shape: int) -> list[str]:
        if shape not in self._names:
            rows = self._connection.execute("SELECT name FROM series WHERE shape = ? ORDER BY position", (shape,))
            self._names[shape] = [str(row[0]) for row in rows]
        return self._names[shape]


def of_run(names: list[str], run: int, job: int, priority: int, packed: str) -> Step:
    """A run's values as a step of their own. What can't be read is nothing: a damaged row must not stop the others."""
    return Step(job, priority, run, [_value(name, value, run) for name, value in _places(names, packed)])


def of_row(names: list[str], job: int, priority: int, last_run: int, packed: str) -> Step:
    """A row of `minutes` or `five_minutes`."""
    cells: list[Cell] = [
        cell if isinstance(cell, str) else aggregate.read(name, cell, last_run) for name, cell in _places(names, packed)
    ]
    return Step(job, priority, last_run, cells)


def gathered(parts: Iterable[tuple[int, Step]]) -> dict[int, Step]:
    """Steps by their id, those of one id together."""
    found: dict[int, Step] = {}
    with localcontext(EXACT):
        for number, step in parts:
            if number in found:
                found[number].take(step)
            else:
                found[number] = step
    return found


def put(connection: Connection, table: str, steps: dict[int, Step], names: Names) -> None:
    """Add `steps` to those of `table`. Inside a transaction."""
    with localcontext(EXACT):
        for number, step in steps.items():
            row = connection.execute(
                f"SELECT job, priority, last_run, packed FROM {table} WHERE id = ?",  # noqa: S608 - a name of ours
                (number,),
            ).fetchone()
            if row is not None:
                there = of_row(names.of(number % SHAPES), *row)
                there.take(step)
                step = there
            connection.execute(
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - a name of ours
                (number, step.job, step.priority, step.last_run, step.packed()),
            )


def numbers_in(packed: str) -> int:
    """How many numbers a run has, as the queue counts them."""
    return sum(isinstance(value, (int, Decimal)) for value in _parsed(packed))


def _places(names: list[str], packed: str) -> Iterable[tuple[str, object]]:
    """A value for each name, None where the row has none."""
    return zip(names, chain(_parsed(packed), repeat(None)))


def _parsed(packed: str) -> list[object]:
    try:
        found = json.loads(packed, parse_float=Decimal)
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _value(name: str, value: object, run: int) -> Cell:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return aggregate.single(name, value, run)


def _both(mine: Cell, its: Cell, later: bool) -> Cell:
    """Two cells of one series. Of one that is a number now and a text then, the numbers are kept."""
    if mine is None or its is None:
        return its if mine is None else mine
    if isinstance(mine, str) or isinstance(its, str):
        if isinstance(mine, str) and isinstance(its, str):
            return its if later else mine
        return its if isinstance(mine, str) else mine
    mine.take(its)  # type: ignore[arg-type]
    return mine


def _spelled(cell: Cell, last_run: int) -> str:
    if cell is None:
        return "null"
    return quote(cell) if isinstance(cell, str) else cell.spelled(last_run)
