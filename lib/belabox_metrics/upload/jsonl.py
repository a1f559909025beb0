"""The lines of VictoriaMetrics' `/api/v1/import`: one series a line, its values and timestamps (Unix ms) as arrays.

The server answers 204 to a line it can't parse and drops it, so nothing doubtful may leave: numbers are finite by
construction (the store refuses others), names and labels are made safe, and what `json.dumps` writes is JSON.
"""

from __future__ import annotations

import json

from ..store.queue import PendingRun, Series
from .names import label_name, metric_name

# (timestamps, values) of one series
Column = tuple[list[int], list[float]]


class Lines:
    """Builds the lines of chunks; remembers the head of each series, which is most of the work."""

    def __init__(self, device_id: str, shapes: dict[int, list[Series]]) -> None:
        self._device_id = device_id
        self._shapes = shapes
        self._heads: dict[int, list[str]] = {}

    def build(self, chunk: list[PendingRun]) -> str:
        """The lines of a chunk, values of one series together, each in the order of time."""
        columns: dict[str, Column] = {}
        for run in sorted(chunk, key=lambda run: run.timestamp_ms):
            heads = self._heads_of(run.shape)
            for position, value in run.numbers:
                timestamps, values = columns.setdefault(heads[position], ([], []))
                timestamps.append(run.timestamp_ms)
                values.append(value)
        return "".join(
            f'{head}"values":{_array(values)},"timestamps":{_array(timestamps)}}}\n'
            for head, (timestamps, values) in columns.items()
        )

    def _heads_of(self, shape: int) -> list[str]:
        if shape not in self._heads:
            self._heads[shape] = [self._head(name, tags) for name, tags in self._shapes[shape]]
        return self._heads[shape]

    def _head(self, name: str, tags: str) -> str:
        labels = {"__name__": metric_name(name), "device_id": self._device_id}
        for key, value in json.loads(tags or "{}").items():
            labels[label_name(key)] = value
        return f'{{"metric":{json.dumps(labels, separators=(",", ":"))},'


def _array(numbers: list[int] | list[float]) -> str:
    return f"[{','.join(map(repr, numbers))}]"
