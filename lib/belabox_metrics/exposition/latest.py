"""The last value of every series that is fresh, under the very names and labels of the uploads.

Fresh is what `belabox-metrics status` calls ok: the last run of the metric has values, is of this boot, and is no older
than three intervals. Else the series is gone from the page, which Prometheus marks as stale; so would be a value of
yesterday if it were shown, but nobody could tell. Events are moments and have no last value: they are counted instead
(recorder.py). There are no timestamps on the page: the clock of a box may be wrong, and Prometheus takes what has one
for fresh until five minutes later.
"""

from __future__ import annotations

from ..health.collector import INTERVALS, LATE_MS
from ..health.verdict import OK
from ..json_text import parse
from ..store.settings import section, shown
from ..store.sqlite import Torn
from ..upload.formats.labels import labels_of
from .family import COUNTER, GAUGE, SUMMARY, labels_text
from .words import SUMMARIES, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any, Optional

    from ..clock import Moment
    from ..health.facts import Facts
    from .family import Families

    # name, kind, words and labels as the page has them; None for a series whose name is no text any more
    Head = Optional[tuple[str, str, str, str]]

_LAST = """
SELECT jobs.job, jobs.metric, run.shape, shapes.signature, run.packed, run.boottime_ms, boots.boot_id
FROM jobs JOIN runs AS run ON run.id = jobs.last_run JOIN boots ON boots.id = run.boot
    JOIN shapes ON shapes.id = run.shape
WHERE jobs.job <> 'event' AND run.packed IS NOT NULL
ORDER BY jobs.metric, jobs.job
"""
_SERIES = "SELECT name, tags FROM series WHERE shape = ? ORDER BY position"
# Jobs that measure something beside their work, and where their intervals are.
_INTERVALS = {
    "clock": ("monitoring", "clock_skew_check_interval_ms"),
    "maintain": ("storage", "wal_checkpoint_interval_ms"),
}


class Heads:
    """How the series of each shape are spelled, which is most of the work. Kept are the shapes of the page before, by
    their signatures: the numbers of shapes are other ones where another database has taken the place of this."""

    def __init__(self) -> None:
        self._device_id = ""
        self._known: dict[str, list[Head]] = {}

    def of(self, connection: Connection, device_id: str, shapes: dict[str, int]) -> dict[str, list[Head]]:
        """By signature; `shapes`: their numbers, by the same."""
        known = self._known if device_id == self._device_id else {}
        self._device_id = device_id
        self._known = {
            signature: known.get(signature) or self._read(connection, shape) for signature, shape in shapes.items()
        }
        return self._known

    def _read(self, connection: Connection, shape: int) -> list[Head]:
        return [_head(name, tags, self._device_id) for name, tags in connection.execute(_SERIES, (shape,))]


def add(
    families: Families, connection: Connection, heads: Heads, device_id: str, report: dict[str, Any], now: Moment
) -> None:
    """Every number of every fresh run. `report` is the document of /health."""
    components = report["components"]
    fresh = []
    for job, metric, shape, signature, packed, boottime_ms, boot_id in connection.execute(_LAST).fetchall():
        if boot_id != now.boot_id:
            continue
        if job == "collect":
            if components.get(f"collector.{metric}", {}).get("status") == OK:
                fresh.append((shape, signature, packed))
        elif now.boottime_ms - boottime_ms <= INTERVALS * _interval_ms(connection, job) + LATE_MS:
            fresh.append((shape, signature, packed))
    known = heads.of(connection, device_id, {signature: shape for shape, signature, _ in fresh})
    for _, signature, packed in fresh:
        try:
            values = parse(packed)
        except ValueError:  # one damaged row does not take the page away
            continue
        for head, value in zip(known[signature], values if isinstance(values, list) else []):
            if head is not None and isinstance(value, (int, float)) and not isinstance(value, bool):
                families.add(*head, value)


def device(connection: Connection, facts: Facts) -> str:
    """Which box this is, "" until something is configured."""
    if not facts.limits.compiled:
        return ""
    return str(shown(section(connection, "device"), "id", ""))


def kind_of(stored: str) -> str:
    """The TYPE of a series, by its name."""
    if stored in SUMMARIES:
        return SUMMARY
    return COUNTER if stored.endswith("_total") else GAUGE


def _head(name: str, tags: str, device_id: str) -> Head:
    if isinstance(name, Torn) or isinstance(tags, Torn):
        return None
    labels = labels_of((name, tags), device_id)
    wire = labels.pop("__name__")
    return wire, kind_of(name), words(name), labels_text(labels)


def _interval_ms(connection: Connection, job: str) -> int:
    """0 for a job that has none: what it measured is of its own moment only."""
    if job not in _INTERVALS:
        return 0
    name, key = _INTERVALS[job]
    return int(shown(section(connection, name), key, 0))
