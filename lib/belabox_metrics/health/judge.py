"""Facts to a report: one verdict for each component, and one for the box.

error     the database can't be read or nothing can be stored, or all collectors are in error, or the uploader is
degraded  any component is not ok, or the configuration that was saved last was refused
ok        otherwise
"""

from __future__ import annotations

from .. import __version__
from ..store.runs import FAILED
from . import clock, collector, dropped, uploader
from .verdict import DEGRADED, ERROR, OK, Verdict, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..clock import Moment
    from ..errors import Problem
    from .facts import Facts

# A small board needs so long until all timers have started once: 20 s, up to a minute of stagger, a breath.
GRACE_MS = 90_000


def report(facts: Facts, now: Moment) -> dict[str, Any]:
    """The document of /health. Depends on nothing but the arguments."""
    waiting_ms, grace_ms = expected(facts, now)
    verdicts = {
        f"collector.{metric.name}": collector.judge(metric, now, waiting_ms, grace_ms) for metric in facts.metrics
    }
    collectors = [verdict.status for verdict in verdicts.values()]
    verdicts["uploader"] = uploader.judge(facts, now, waiting_ms, grace_ms)
    verdicts["storage"] = _storage(facts, now)
    verdicts["time"] = clock.judge(facts.skew, facts.limits.skew_ms, now)
    refused = _refused(facts)
    status = DEGRADED if refused or any(verdict.status != OK for verdict in verdicts.values()) else OK
    decisive = (verdicts["uploader"].status, verdicts["storage"].status)
    if ERROR in decisive or (collectors and set(collectors) == {ERROR}):
        status = ERROR
    alerts = [alert.shown() for alert in facts.alerts]
    return {
        **_document(status, verdicts, now),
        "alerts_raised": alerts,
        **({"configuration": refused} if refused else {}),
    }


def report_without_database(problem: Problem, sizes: tuple[int, int], now: Moment) -> dict[str, Any]:
    """The document of /health when there are no facts. `sizes`: bytes of the database and of its log."""
    verdicts = {
        "uploader": uploader.unknown(),
        "storage": Verdict(ERROR, str(problem), _storage_details(*sizes, None, None)),
        "time": clock.judge(None, 0, now),
    }
    return _document(ERROR, verdicts, now)


def _document(status: str, verdicts: dict[str, Verdict], now: Moment) -> dict[str, Any]:
    stamp = rfc3339(now.wall_ms)
    return {
        "status": status,
        "version": __version__,
        "timestamp": stamp,
        # Of the box: the programs live for milliseconds.
        "uptime_seconds": now.boottime_ms // 1000,
        "components": {
            name: {
                "status": verdict.status,
                "message": verdict.message,
                "timestamp": stamp,
                "details": verdict.details,
            }
            for name, verdict in verdicts.items()
        },
    }


def _refused(facts: Facts) -> dict[str, Any] | None:
    """Beside the components, whose names are a contract: what was saved last is not what is in force."""
    job = facts.apply
    if job is None or job.outcome != FAILED or job.last is None:
        return None
    return {
        "status": DEGRADED,
        "message": f"what was saved last is not in force: {job.error}",
        "timestamp": rfc3339(job.last.wall_ms),
        "details": {"last_applied": rfc3339(job.done.wall_ms) if job.done else None, "last_error": job.error},
    }


def expected(facts: Facts, now: Moment) -> tuple[int, int]:
    """Since when runs are to be expected: (ms ago, how much of it to forgive).

    Since boot; in a database made during this boot since its first run, or since it was begun where runs from before it
    were brought over; and in any case since the configuration was last applied, where that is known.
    """
    since_boot_ms = now.boottime_ms
    waiting_ms = since_boot_ms
    if facts.oldest is None:
        # Nothing ran yet. The wall clock is all there is to ask; a jump of it can't make more than the uptime of this.
        waiting_ms = min(waiting_ms, max(0, now.wall_ms - facts.made_ms))
    else:
        began_ms = facts.oldest.age_ms(now)
        waiting_ms = waiting_ms if began_ms is None else began_ms
    brought_ms = facts.brought.age_ms(now) if facts.brought else None
    if brought_ms is not None:
        waiting_ms = min(waiting_ms, brought_ms)
    applied_ms = facts.apply.done.age_ms(now) if facts.apply and facts.apply.done else None
    if applied_ms is not None:
        waiting_ms = min(waiting_ms, applied_ms)
    return waiting_ms, max(0, GRACE_MS - (since_boot_ms - waiting_ms))


def _storage(facts: Facts, now: Moment) -> Verdict:
    status, message = facts.storage.judge() if facts.storage else (OK, "")
    lost = dropped.said(facts.dropped, now)
    if status != OK:
        pass
    elif lost:
        status, message = DEGRADED, lost
    elif not facts.limits.compiled:
        status, message = DEGRADED, "readable, but no configuration was applied yet: belabox-metrics apply"
    elif not facts.limits.whole:
        status, message = DEGRADED, "the settings are not what was compiled: sudo belabox-metrics apply"
    elif facts.log_bytes > facts.limits.log_bytes:
        limit_mb = facts.limits.log_bytes // (1024 * 1024)
        status, message = DEGRADED, f"the write-ahead log has more than {limit_mb} MB: nobody tidies it up"
    else:
        message = "readable"
    oldest = None if facts.first_ms is None else rfc3339(facts.first_ms)
    details = _storage_details(facts.database_bytes, facts.log_bytes, facts.pending, oldest)
    return Verdict(status, message, {**details, **dropped.details(facts.dropped)})


def _storage_details(database: int, log: int, pending: int | None, oldest: str | None) -> dict[str, object]:
    return {
        "database_size_bytes": database,
        "wal_size_bytes": log,
        "pending_count": pending,
        "oldest_metric_timestamp": oldest,
    }
