"""A table with a row for each sample, for a spreadsheet or pandas.

CSV as in RFC 4180 but for its line ends. `tags` and `text` are JSON: so no field has a line end, none begins with what
a spreadsheet would take for a formula, and a text that looks like a number is none. A name that is no name, as one of
a database that was taken over may be, is JSON for the same reason, and so is the id of a session.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta

from . import summary
from .summary import Summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..store.queue import Series
    from .stored import Page, Step, StoredRun

_COLUMNS = ("timestamp_ms", "time", "name", "tags", "value", "text", "session_id", "step_ms", *summary.NAMES)
_NO_STEP = ("",) * (1 + len(summary.NAMES))
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, as the Z says


class Rows:
    """`shapes` may get more entries later."""

    HEAD = ",".join(_COLUMNS).encode() + b"\n"

    def __init__(self, device_id: str, shapes: dict[int, list[Series]]) -> None:  # noqa: ARG002 - as JsonLines has it
        self._shapes = shapes

    def page(self, page: Page) -> bytes:
        """A row for each sample and for each series of a step, under the name and the tags it is stored with."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for step in page.steps:
            writer.writerows(self._steps(step))
        for run in page.runs:
            writer.writerows(self._samples(run))
        return out.getvalue().encode("utf-8", "backslashreplace")

    def _samples(self, run: StoredRun) -> Iterable[tuple[object, ...]]:
        stamp, series = _rfc3339(run.timestamp_ms), [_named(one) for one in self._shapes[run.shape]]
        found = [(at, repr(value), "") for at, value in run.numbers] + [
            (at, "", json.dumps(text)) for at, text in run.texts
        ]
        for at, value, text in sorted(found):
            yield (run.timestamp_ms, stamp, *series[at], value, text, _session(run.session), *_NO_STEP)

    def _steps(self, step: Step) -> Iterable[tuple[object, ...]]:
        stamp, series = _rfc3339(step.timestamp_ms), self._shapes[step.shape]
        for at, cell in step.cells:
            head = (step.timestamp_ms, stamp, *_named(series[at]))
            if isinstance(cell, str):
                yield (*head, "", json.dumps(cell), "", step.step_ms, *_NO_STEP[1:])
            else:
                told = Summary(series[at][0], cell)
                more = told.more()
                yield (*head, repr(told.value), "", "", step.step_ms, *(more.get(name, "") for name in summary.NAMES))


def _named(series: Series) -> Series:
    name, tags = series
    return series if name[:1].isalpha() and name.isprintable() else (json.dumps(name), tags)


def _session(found: str) -> str:
    return found if not found or (found[:1].isalnum() and found.isprintable()) else json.dumps(found)


def _rfc3339(timestamp_ms: int) -> str:
    """`2025-10-11T14:30:00.123Z`; "" for a time that has no date. Not by way of a float, which would round."""
    try:
        return (_EPOCH + timedelta(milliseconds=timestamp_ms)).isoformat(timespec="milliseconds") + "Z"
    except OverflowError:
        return ""
