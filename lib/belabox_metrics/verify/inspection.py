"""Period after period: what the box has stored and sent, and whether the server has it."""

from __future__ import annotations

from .comparison import meet
from .gaps import Gaps
from .hours import Hour
from .periods import HOUR_MS
from .stored import Stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Callable

    from ..upload.correction import Correction
    from .export import Export
    from .periods import Period
    from .standing import Standing
    from .stored import Column, Labels

# Of so many series at most it is remembered what they miss.
MOST_SERIES = 10_000
# The shortest retention that a VictoriaMetrics accepts.
SHORTEST_RETENTION_MS = 24 * HOUR_MS


class Inspection:
    """`hours`, oldest first; `missing`: how many samples by series; `gaps`: runs to be sent again.

    Hours of which the server has nothing, older than all that it has, are perhaps beyond its retention: to send them
    again would be to send them in vain, so they are not among the gaps."""

    def __init__(self, connection: Connection, standing: Standing, correction: Correction, device_id: str) -> None:
        self.hours: list[Hour] = []
        self.missing: dict[str, int] = {}
        self.gaps = Gaps()
        self._connection = connection
        self._standing = standing
        self._correction = correction
        self._device_id = device_id
        self._has_something = False
        self._first = Gaps()

    def run(self, periods: list[Period], export: Export, now_ms: int, step: Callable[[], None]) -> None:
        """Compare all `periods`; `step` is called after each. Raises what Export.lines() does: then nothing of this is
        to be believed."""
        for period in periods:
            self._compare(period, export)
            step()
        begin_ms = self._begin_ms()
        early = [hour for hour in self.hours if hour.sent and not hour.on_server and hour.begin_ms < begin_ms]
        if not self._is_beyond(early, export, now_ms):
            self.gaps = self._first.followed_by(self.gaps)
            return
        for hour in early:
            hour.beyond = True

    def _compare(self, period: Period, export: Export) -> None:
        stored = Stored(self._connection, period, self._standing, self._correction, self._device_id, export.added)
        if not self.hours or self.hours[-1].begin_ms != period.hour_ms:
            self.hours.append(Hour(period.hour_ms))
        hour = self.hours[-1]
        hour.stored += stored.samples
        hour.waiting += stored.waiting
        hour.set_aside += stored.set_aside
        hour.sent += stored.samples - stored.waiting - stored.set_aside
        for line in export.lines(period.begin_ms, period.end_ms):
            hour.on_server += len(line.samples)
            column = stored.columns.get(line.labels)
            if column is not None:
                largest = max(column.largest, line.largest)
                for timestamp_ms, value in line.samples:
                    meet(column, timestamp_ms, value, largest)
        for labels, column in stored.columns.items():
            self._count(hour, labels, column)
        self._has_something = self._has_something or hour.on_server > 0
        gaps = self.gaps if self._has_something else self._first
        for stretch, priority, runs in stored.runs:
            gaps.add(stretch, priority, runs)

    def _count(self, hour: Hour, labels: Labels, column: Column) -> None:
        missing = 0
        for samples in column.at.values():
            for sample in samples:
                hour.twice += sample.twice
                hour.different += sample.differs
                if not sample.found and not sample.differs:
                    sample.run.lacks = True
                    missing += 1
        if missing:
            hour.missing += missing
            name = shown(labels)
            if name in self.missing or len(self.missing) < MOST_SERIES:
                self.missing[name] = self.missing.get(name, 0) + missing

    def _begin_ms(self) -> int:
        """The first hour of which the server has something."""
        return next((hour.begin_ms for hour in self.hours if hour.on_server), 0)

    def _is_beyond(self, early: list[Hour], export: Export, now_ms: int) -> bool:
        if not early or early[-1].begin_ms + HOUR_MS > now_ms - SHORTEST_RETENTION_MS:
            return False
        return not export.has_before(early[0].begin_ms)


def shown(labels: Labels) -> str:
    """A series as PromQL writes it, without the device, which all have."""
    name = dict(labels)["__name__"]
    told = ",".join(f'{label}="{value}"' for label, value in labels if label not in ("__name__", "device_id"))
    text = f"{name}{{{told}}}" if told else name
    return text if text.isprintable() else ascii(text)[1:-1]
