"""All that a verdict needs, read from the database in one short connection.

Nothing here grows with the history: rows of jobs, settings and positions, and the two ends of the table of runs. The
connection is closed before anything is judged or sent, since a reader that lingers keeps the write-ahead log from
being truncated.
"""

from __future__ import annotations

import os

from ..clock import now
from ..errors import StoreProblem
from ..store import figures, flights, link, queue, rejected
from ..store.instant import Instant
from . import clock, limits, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..store.database import Store
    from .limits import Limits
    from .storage import Storage


class Stamp:
    """When something was: `wall_ms` (Unix time) as the clock then said, `boottime_ms` in the boot `boot_id`."""

    __slots__ = ("boot_id", "boottime_ms", "wall_ms")

    def __init__(self, wall_ms: int, boot_id: str, boottime_ms: int) -> None:
        self.wall_ms = wall_ms
        self.boot_id = boot_id
        self.boottime_ms = boottime_ms

    def age_ms(self, now: Moment) -> int | None:
        """How long ago, whatever the wall clock did meanwhile; None when it was in another boot."""
        return max(0, now.boottime_ms - self.boottime_ms) if self.boot_id == now.boot_id else None


class Job:
    """Where one job stands. `last` is its last run, `done` the last one that did not fail; None when there is none.
    `error` is of the last run: why it failed, or why it had no data."""

    __slots__ = ("done", "error", "failures", "last", "outcome", "samples")

    def __init__(
        self, outcome: int, last: Stamp | None, done: Stamp | None, error: str, failures: int, samples: int
    ) -> None:
        self.outcome = outcome
        self.last = last
        self.done = done
        self.error = error
        self.failures = failures
        self.samples = samples


class Metric:
    """A metric that has a timer; `job` is None when it was never collected."""

    __slots__ = ("interval_ms", "job", "name")

    def __init__(self, name: str, interval_ms: int, job: Job | None) -> None:
        self.name = name
        self.interval_ms = interval_ms
        self.job = job


class Raised:
    """An alert that is on: its `name`, of which `metric`, since when (Unix time in ms)."""

    __slots__ = ("metric", "name", "since_ms")

    def __init__(self, name: str, metric: str, since_ms: int) -> None:
        self.name = name
        self.metric = metric
        self.since_ms = since_ms

    def shown(self) -> dict[str, object]:
        """As it stands in the report."""
        return {"alert": self.name, "metric": self.metric, "since_ms": self.since_ms}


class Facts:
    """What the database says at one instant. Sizes in bytes, counts of samples, `skew` None until measured.

    oldest: the first run that is kept as it was; `first_ms`: what the first thing is of that is kept in whatever form,
    None for nothing; `made_ms`: when the database was made, Unix time; `brought`: when it was begun to take over the
    runs of another.
    """

    __slots__ = (
        "alerts",
        "apply",
        "brought",
        "database_bytes",
        "dropped",
        "first_ms",
        "limits",
        "link",
        "log_bytes",
        "made_ms",
        "metrics",
        "oldest",
        "pending",
        "rejected",
        "rejected_why",
        "retrying",
        "sent",
        "skew",
        "storage",
        "upload",
    )

    def __init__(self, connection: Connection) -> None:
        jobs = _jobs(connection)
        self.link = link.read(connection)
        # Sent at least once, and not accepted yet.
        self.retrying = flights.samples_under_way(connection)
        self.rejected_why = rejected.summary(connection)[1]
        self.limits: Limits = limits.read(connection)
        self.metrics = _metrics(connection, jobs)
        self.alerts = _alerts(connection)
        self.upload = jobs.get(("upload", ""))
        self.apply = jobs.get(("apply", ""))
        self.brought = next((job.last for (name, _), job in jobs.items() if name == _IMPORT), None)
        stored, self.sent, self.rejected = queue.totals(connection)
        self.pending = max(0, stored - self.sent - self.rejected)
        self.oldest = _stamp(*(connection.execute(_OLDEST).fetchone() or (None, None, None)))
        self.first_ms = _first_ms(self.oldest, *connection.execute(_STEPS).fetchone())
        self.dropped = queue.dropped(connection)
        self.made_ms = int(connection.execute(_MADE).fetchone()[0] or 0)
        self.skew = clock.read(connection)
        self.database_bytes = 0
        self.log_bytes = 0
        self.storage: Storage | None = None


def read(store: Store) -> Facts:
    """The facts of this instant. Raises StoreProblem when there is no database, or none that can be read."""
    if os.path.isdir(store.path):  # which SQLite opens for reading, and then takes for a broken disk
        raise StoreProblem("is a directory, not a database", where=store.path, hint="move it away")
    with Instant(store) as connection:
        facts = Facts(connection)
    facts.database_bytes, facts.log_bytes = figures.sizes_at(store.path)
    moment = now()
    stamps = [metric.job.last for metric in facts.metrics if metric.job and metric.job.last]
    ages = [age for stamp in stamps if (age := stamp.age_ms(moment)) is not None]
    facts.storage = storage.read(store.path, moment, min(ages, default=None))
    return facts


# As store/importer.py has it, which is much to load for a word.
_IMPORT = "import"
_JOBS = """
SELECT job, metric, last_outcome, last_error, failures_total, samples_total,
    last_timestamp_ms, last.boot_id, last_boottime_ms, done_timestamp_ms, done.boot_id, done_boottime_ms
FROM jobs LEFT JOIN boots AS last ON last.id = last_boot LEFT JOIN boots AS done ON done.id = done_boot
"""
_METRICS = """
SELECT substr(section, 9), max(CASE key WHEN 'interval_ms' THEN value END),
    max(CASE key WHEN 'scheduled' THEN value END)
FROM settings WHERE section >= 'metrics/' AND section < 'metrics0' AND key IN ('interval_ms', 'scheduled')
GROUP BY section
"""
_ALERTS = "SELECT metric, alerts FROM jobs WHERE job = 'collect' AND alerts IS NOT NULL ORDER BY metric"
_OLDEST = """
SELECT id - lead_ms, (SELECT boot_id FROM boots WHERE boots.id = boot), boottime_ms FROM runs ORDER BY id LIMIT 1
"""
# The ids of what is rolled up begin with the number of its step (store/schema.py).
_STEPS = """
SELECT (SELECT id >> 32 FROM minutes ORDER BY id LIMIT 1) * 60000,
    (SELECT id >> 32 FROM five_minutes ORDER BY id LIMIT 1) * 300000
"""
_MADE = "SELECT strftime('%s', max(applied_at)) * 1000 FROM schema_version"


def _jobs(connection: Connection) -> dict[tuple[str, str], Job]:
    return {
        (job, metric): Job(outcome, _stamp(*moments[:3]), _stamp(*moments[3:]), error or "", failures, samples)
        for job, metric, outcome, error, failures, samples, *moments in connection.execute(_JOBS)
    }


def _metrics(connection: Connection, jobs: dict[tuple[str, str], Job]) -> list[Metric]:
    return [
        Metric(name, int(interval_ms), jobs.get(("collect", name)))
        for name, interval_ms, scheduled in connection.execute(_METRICS)
        if scheduled and interval_ms
    ]


def _alerts(connection: Connection) -> list[Raised]:
    remembered = connection.execute(_ALERTS).fetchall()
    if not remembered:
        return []
    from .. import alert

    return [
        Raised(name, metric, spell.wall_ms)
        for metric, memory in remembered
        for name, spell in alert.raised(str(memory)).items()
    ]


def _first_ms(oldest: Stamp | None, *steps_ms: int | None) -> int | None:
    times = [*steps_ms, oldest.wall_ms if oldest else None]
    return min((at for at in times if at is not None), default=None)


def _stamp(wall_ms: int | None, boot_id: str | None, boottime_ms: int | None) -> Stamp | None:
    if wall_ms is None or boottime_ms is None:
        return None
    # What is no number is to be found out here, and not by who reckons with it.
    return Stamp(int(wall_ms), boot_id or "", int(boottime_ms))
