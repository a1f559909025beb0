"""How the recorder itself does: runs, uploads, queue, database, clock, alerts. All begin with `belabox_`.

What `meta` stores once a minute is on the page too, under its own names; here is what holds at this moment.
"""

from __future__ import annotations

import sys

from .. import __version__, alert
from ..health import judge
from ..health.verdict import DEGRADED, ERROR, OK
from .family import COUNTER, GAUGE, labels_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any

    from ..clock import Moment
    from ..health.facts import Facts
    from .family import Families

STATUSES = (OK, DEGRADED, ERROR)
MODES = ("disabled", "realtime", "degraded", "offline")
PRIORITIES = (0, 1, 2, 3)
# The newest runs that are looked at. After a day without a server a hundred thousand wait; the total is kept while
# writing, but how many of which priority has to be counted.
COUNTED = 4000

_JOBS = """
SELECT job, metric, runs_total, failures_total, samples_total, last_outcome = 2,
    (SELECT duration_us FROM runs WHERE runs.id = jobs.last_run)
FROM jobs ORDER BY job, metric
"""
_WAITING = """
SELECT run.priority, count(*) FROM (SELECT id, priority FROM runs WHERE packed IS NOT NULL ORDER BY id DESC LIMIT ?)
    AS run JOIN positions ON positions.priority = run.priority
WHERE run.id > positions.run OR EXISTS (
    SELECT 1 FROM backlog
    WHERE backlog.priority = run.priority AND run.id > backlog.after_run AND run.id <= backlog.upto_run
)
GROUP BY run.priority
"""
_SENT = "SELECT priority, samples_sent, samples_rejected FROM positions ORDER BY priority"
_RULES = """
SELECT substr(section, 9), value FROM settings
WHERE section >= 'metrics/' AND section < 'metrics0' AND key = 'alert' ORDER BY section, position
"""


class Own:
    """Adds families, each sample with the label `device_id` where there is one."""

    def __init__(self, families: Families, device_id: str) -> None:
        self._families = families
        self._labels = {"device_id": device_id} if device_id else {}

    def gauge(self, name: str, words: str, value: float, **labels: str) -> None:
        self._families.add(f"belabox_{name}", GAUGE, words, labels_text({**self._labels, **labels}), value)

    def counter(self, name: str, words: str, value: float, **labels: str) -> None:
        self._families.add(f"belabox_{name}", COUNTER, words, labels_text({**self._labels, **labels}), value)


def add_verdict(own: Own, report: dict[str, Any]) -> None:
    """What /health says, which holds without a database too."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    own.gauge("build_info", "Always 1; the version is a label", 1, version=__version__, python=version)
    for status in STATUSES:
        words = "1 for what /health says of the box, 0 for the others"
        own.gauge("status", words, int(report["status"] == status), status=status)
    for name, component in report["components"].items():
        own.gauge(
            "component_ok", "Whether /health calls a component ok", int(component["status"] == OK), component=name
        )
    for name, component in report["components"].items():
        if name == "storage":
            _sizes(own, component["details"])


def add_facts(own: Own, connection: Connection, facts: Facts, report: dict[str, Any], now: Moment) -> None:
    """All that the database knows. `report` is the document of /health."""
    _jobs(own, connection)
    for metric in facts.metrics:
        age_ms = metric.job.last.age_ms(now) if metric.job and metric.job.last else None
        own.gauge(
            "collection_interval_seconds", "How often a metric is due", metric.interval_ms / 1000, metric=metric.name
        )
        if age_ms is not None:
            own.gauge("collection_age_seconds", "Since the last run of a metric", age_ms / 1000, metric=metric.name)
    _uploads(own, connection, facts, report["components"]["uploader"]["details"], now)
    _alerts(own, connection, facts)
    skew_ms = report["components"]["time"]["details"]["skew_ms"]
    if skew_ms is not None:
        own.gauge("clock_skew_seconds", "How far the clock is ahead of the server's", skew_ms / 1000)
    own.gauge("clock_synchronized", "1 when a server has set the clock since boot", int(now.synchronized))


def _jobs(own: Own, connection: Connection) -> None:
    for job, metric, ran, failed, samples, fails_now, duration_us in connection.execute(_JOBS):
        if job == "event":
            own.counter("events_total", "Events stored, by what happened", ran, event=metric)
            continue
        labels = {"job_name": job, "metric": metric} if metric else {"job_name": job}
        own.counter("runs_total", "Runs of a job; job_name collect are the collections", ran, **labels)
        own.counter("run_failures_total", "Runs of a job that failed", failed, **labels)
        own.gauge("run_failed", "1 when the last run of a job failed", int(fails_now or 0), **labels)
        own.counter("samples_stored_total", "Numbers stored by the runs of a job", samples, **labels)
        if duration_us is not None:
            words = "How long the last run of a job took"
            own.gauge("run_duration_seconds", words, duration_us / 1_000_000, **labels)


def _uploads(own: Own, connection: Connection, facts: Facts, details: dict[str, Any], now: Moment) -> None:
    for priority, sent, rejected in connection.execute(_SENT):
        own.counter("samples_sent_total", "Numbers that the server accepted", sent, priority=str(priority))
        words = "Numbers that no server wanted, set aside"
        own.counter("samples_rejected_total", words, rejected, priority=str(priority))
    own.gauge("samples_pending", "Numbers that wait to be sent", facts.pending)
    own.gauge("samples_retrying", "Numbers that were sent and not accepted yet", facts.retrying)
    waiting = dict(connection.execute(_WAITING, (COUNTED,)).fetchall())
    for priority in PRIORITIES:
        words = f"Runs with numbers that wait to be sent, of the newest {COUNTED}; priority 0 is the most urgent"
        own.gauge("runs_pending", words, waiting.get(priority, 0), priority=str(priority))
    for mode in MODES:
        words = "1 for the mode that uploads are in, 0 for the others"
        own.gauge("upload_mode", words, int(details["mode"] == mode), mode=mode)
    age_s = details["time_since_upload_seconds"]
    if age_s is None and details["mode"] != "disabled":
        # Or a box whose uploads have failed since it was started would be without an age that anybody could judge.
        age_s = judge.expected(facts, now)[0] // 1000
    if age_s is not None:
        own.gauge("upload_age_seconds", "Since the last good upload, or since the first could have been", age_s)
    if facts.link.rate is not None:
        words = "Bytes a second that the way to the server has carried"
        own.gauge("upload_rate_bytes_per_second", words, facts.link.rate)


def _alerts(own: Own, connection: Connection, facts: Facts) -> None:
    """Those that are configured, 0 or 1, and those that are still on though they are not configured any more."""
    raised = {(found.metric, found.name) for found in facts.alerts}
    known = dict.fromkeys(raised)
    for metric, text in connection.execute(_RULES):
        try:
            known[metric, alert.Rule(str(text)).name] = None
        except ValueError:  # of another version
            continue
    for metric, name in sorted(known):
        words = "1 while an alert of the configuration is on"
        own.gauge("alert_raised", words, int((metric, name) in raised), metric=metric, alert=name)


def _sizes(own: Own, details: dict[str, Any]) -> None:
    own.gauge("database_bytes", "Size of the database", details["database_size_bytes"])
    own.gauge("wal_bytes", "Size of the database's write-ahead log", details["wal_size_bytes"])
