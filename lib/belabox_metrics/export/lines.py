"""JSON lines: what VictoriaMetrics takes at `/api/v1/import`, and lines of texts, which it leaves out.

    {"metric": {"__name__": ..., "device_id": ..., tags}, "values": [...], "timestamps": [...]}
    {"metric": {...}, "values": [...], "timestamps": [...], "step_ms": 60000, "min": [...], ...}      rolled up
    {"metric": {...}, "texts": [...], "timestamps": [...]}

Names, labels and times are those that uploads have, so that what is imported joins what was sent. Times are Unix ms.
Format: https://docs.victoriametrics.com/single-server-victoriametrics/#json-line-format
"""

from __future__ import annotations

import json

from ..upload.formats.labels import labels_of, utf8
from ..upload.formats.refusal import refusal
from ..upload.formats.victoriametrics import Lines
from .summary import Summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.queue import Series
    from .stored import Page

    # A series, and how long its steps are, 0 for samples.
    Head = tuple[Series, int]
    Columns = dict[str, list[object]]


class JsonLines:
    """`shapes` may get more entries later."""

    HEAD = b""

    def __init__(self, device_id: str, shapes: dict[int, list[Series]]) -> None:
        self._device_id = device_id
        self._shapes = shapes
        self._numbers = Lines(device_id, shapes, False)

    def page(self, page: Page) -> bytes:
        """A line for each series that has something in it, of each kind."""
        steps: dict[Head, Columns] = {}
        texts: dict[Head, Columns] = {}
        for step in page.steps:
            for at, cell in step.cells:
                head = self._shapes[step.shape][at], step.step_ms
                if isinstance(cell, str):
                    _add(texts, head, {"texts": utf8(cell), "timestamps": step.timestamp_ms})
                    continue
                summary = Summary(head[0][0], cell)
                if not refusal(step.timestamp_ms, summary.value):
                    _add(steps, head, {"values": summary.value, "timestamps": step.timestamp_ms, **summary.more()})
        for run in page.runs:
            for at, text in run.texts:
                _add(texts, (self._shapes[run.shape][at], 0), {"texts": utf8(text), "timestamps": run.timestamp_ms})
        return self._lines(steps) + self._numbers.encode(list(page.runs)) + self._lines(texts)

    def _lines(self, found: dict[Head, Columns]) -> bytes:
        lines = []
        for (series, step_ms), columns in found.items():
            kind = {"step_ms": step_ms} if step_ms else {}
            document = {"metric": labels_of(series, self._device_id), **kind, **columns}
            lines.append(json.dumps(document, separators=(",", ":")) + "\n")
        return "".join(lines).encode()


def _add(found: dict[Head, Columns], head: Head, values: dict[str, object]) -> None:
    columns = found.setdefault(head, {})
    for name, value in values.items():
        columns.setdefault(name, []).append(value)
