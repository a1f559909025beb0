"""A chunk turned by ninety degrees: it is stored by run, and sent by series, which takes a third of the bytes."""

from __future__ import annotations

from typing import Callable, Generic, TypeVar

from .labels import labels_of
from .refusal import LAST_MS, all_finite, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.queue import PendingRun, Series

# A series as its format spells it.
Head = TypeVar("Head")
# (timestamps in Unix ms, values) of one series, in the order of time
Column = tuple[list[int], list[float]]


class Columns(Generic[Head]):
    """Sorts chunks into series; remembers how each is spelled, which is most of the work."""

    def __init__(
        self, device_id: str, shapes: dict[int, list[Series]], spelled: Callable[[dict[str, str]], Head]
    ) -> None:
        self._device_id = device_id
        self._shapes = shapes
        self._spelled = spelled
        self._heads: dict[int, list[Head]] = {}

    def of(self, chunk: list[PendingRun]) -> dict[Head, Column]:
        """The columns of `chunk`, none of them empty, without what `refusal` names."""
        found: dict[Head, Column] = {}
        places: dict[int, list[Column]] = {}
        for run in sorted(chunk, key=lambda run: run.timestamp_ms):
            timestamp_ms = run.timestamp_ms
            if not 0 <= timestamp_ms <= LAST_MS:
                continue
            if run.shape not in places:
                places[run.shape] = [found.setdefault(head, ([], [])) for head in self._heads_of(run.shape)]
            columns = places[run.shape]
            for position, value in run.numbers:
                # A damaged row may have more values than its shape has series.
                if position < len(columns):
                    timestamps, values = columns[position]
                    timestamps.append(timestamp_ms)
                    values.append(value)
        return {head: column for head, column in ((head, _sayable(found[head])) for head in found) if column[1]}

    def _heads_of(self, shape: int) -> list[Head]:
        if shape not in self._heads:
            series = self._shapes.get(shape, [])
            self._heads[shape] = [self._spelled(labels_of(one, self._device_id)) for one in series]
        return self._heads[shape]


def _sayable(column: Column) -> Column:
    timestamps, values = column
    if not values or all_finite(values):
        return column
    kept = [(at, value) for at, value in zip(timestamps, values) if not refusal(at, value)]
    return [at for at, _ in kept], [value for _, value in kept]
