"""What is told of the numbers of a step of time."""

from __future__ import annotations

from ..store.aggregate import is_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.aggregate import Aggregate

# The keys of `more`, in the order of the columns of a table.
NAMES = ("min", "max", "last", "count", "increase")


class Summary:
    """`value` stands for all of them: the mean of a gauge; of a counter its last, since what it counts from it is
    reckoned with."""

    def __init__(self, name: str, cell: Aggregate) -> None:
        self._cell = cell
        self._is_counter = is_counter(name)
        self.value = cell.last if self._is_counter else cell.total / cell.count if cell.count else cell.last

    def more(self) -> dict[str, float]:
        """The others, by their names in NAMES. Only a counter has an increase."""
        cell = self._cell
        found = {"min": cell.least, "max": cell.greatest, "last": cell.last, "count": cell.count}
        if self._is_counter:
            found["increase"] = getattr(cell, "rise", 0)
        return found
