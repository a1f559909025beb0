"""All that the screen shows, read once."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import Problem
from ..health import facts, judge
from ..health.verdict import OK
from ..quantity import shown
from ..schedule.manager import Manager
from ..schedule.units import COLLECT, UPLOAD
from ..store import latest, waiting
from ..store import link as links
from ..store.instant import Instant
from ..store.runs import DONE, FAILED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any

    from ..clock import Moment
    from ..store.database import Store

_NOT_SCHEDULED = """
SELECT substr(section, 9), max(CASE key WHEN 'reason' THEN value END) FROM settings
WHERE section >= 'metrics/' AND section < 'metrics0' AND key IN ('scheduled', 'reason')
GROUP BY section HAVING max(CASE key WHEN 'scheduled' THEN value END) = 0
"""

# What becomes of a metric: it has values; its first run is not due yet; it has none, which is an answer; its last run
# failed; it has not run when it was due; nobody asked for it.
LIVE, WAITING, ABSENT, FAILING, LATE, OFF = "ok", "waiting", "absent", "failing", "late", "off"
# Seconds. Whoever looks at a box that is in trouble does not want to wait for its systemd.
PATIENCE = 3.0
TIMERS = "belabox-metrics*.timer"


class Metric(NamedTuple):
    """`age_ms` since its last run in this boot, `next_ms` until the next one, None where not known; `interval_ms` None
    without a timer. `values`: (series, shown with its unit). `told`: why there are none."""

    name: str
    state: str
    age_ms: int | None
    interval_ms: int | None
    next_ms: int | None
    values: list[tuple[str, str]]
    told: str


class Reading:
    """What the box is like at `now`. `report` is the document of /health; `next_upload_ms` until the uploader may try
    again and is started, None where neither is known."""

    def __init__(self, store: Store, now: Moment, manager: Manager | None = None) -> None:
        """Raises StoreProblem where there is no database that can be read."""
        found = facts.read(store)
        self.now = now
        self.report = judge.report(found, now)
        self.alerts = found.alerts
        with Instant(store) as connection:
            values = _last_values(connection, now)
            off = connection.execute(_NOT_SCHEDULED).fetchall()
            self.waiting = waiting.read(connection)
            self.link = links.read(connection, now.boot_id)
        self.not_scheduled: dict[str, str] = {str(name): str(reason or "") for name, reason in sorted(off)}
        self.pending = found.pending
        next_runs = _next_runs(manager or Manager(patience_s=PATIENCE))
        self.next_upload_ms = self._next_upload(next_runs.get(UPLOAD))
        self.metrics = [
            self._metric(metric, values.get(metric.name, []), next_runs.get(COLLECT.format(metric.name)))
            for metric in sorted(found.metrics, key=lambda metric: metric.name)
        ]
        self.metrics += [Metric(name, OFF, None, None, None, [], why) for name, why in self.not_scheduled.items()]

    def _metric(self, metric: facts.Metric, values: list[tuple[str, str]], next_ms: int | None) -> Metric:
        component = self.report["components"][f"collector.{metric.name}"]
        age_ms = metric.job.last.age_ms(self.now) if metric.job and metric.job.last else None
        outcome = metric.job.outcome if metric.job and age_ms is not None else None
        if component["status"] != OK:
            state = FAILING if outcome == FAILED else LATE
        elif outcome is None:
            # Nothing is known of this boot until the first run in it.
            state = WAITING
        else:
            state = LIVE if outcome == DONE else ABSENT
        told = "" if values else "no value yet: some need two runs"
        if state != LIVE:
            # The state has said that already.
            told = component["message"]
            for said in ("the last run failed: ", "no data: ", "waiting "):
                told = told[len(said) :] if told.startswith(said) else told
            values = []
        return Metric(metric.name, state, age_ms, metric.interval_ms, self._until(next_ms), values, told)

    def _until(self, wall_ms: int | None) -> int | None:
        return None if wall_ms is None else max(0, wall_ms - self.now.wall_ms)

    def _next_upload(self, timer_ms: int | None) -> int | None:
        held_ms = 0 if self.link.not_before_ms is None else max(0, self.link.not_before_ms - self.now.boottime_ms)
        until = self._until(timer_ms)
        if until is None:
            return held_ms or None
        return max(until, held_ms)


def _next_runs(manager: Manager) -> dict[str, int]:
    """Unit -> Unix ms. Nothing where systemd is not there or does not answer: the screen has more to tell."""
    try:
        return manager.next_runs(TIMERS) if manager.is_there() else {}
    except Problem:
        return {}


def _last_values(connection: Connection, now: Moment) -> dict[str, list[tuple[str, str]]]:
    values: dict[str, list[tuple[str, str]]] = {}
    for last in latest.readings(connection, now):
        labels = ",".join(last.tags.values())
        series = f"{last.name}{{{labels}}}" if labels else last.name
        values.setdefault(last.metric, []).append((series, shown(last.name, last.value)))
    return values


def document(reading: Reading) -> dict[str, Any]:
    """The same for a program: the document of /health and more. Lengths of time are ms, moments Unix ms."""
    link = reading.link
    return {
        **reading.report,
        "not_scheduled": reading.not_scheduled,
        "states": {metric.name: metric.state for metric in reading.metrics},
        "next_run_in_ms": {metric.name: metric.next_ms for metric in reading.metrics if metric.next_ms is not None},
        "queue": {
            "samples": reading.pending,
            "runs_by_priority": {str(priority): count for priority, count in sorted(reading.waiting.runs.items())},
            "oldest_ms": reading.waiting.oldest_ms,
        },
        "upload": {
            "failures": link.failures,
            "backoff_ms": link.backoff_ms,
            "last_error": link.error or None,
            "next_in_ms": reading.next_upload_ms,
        },
    }
