"""Is a metric still being collected? By the age of its last run, so that a timer which silently stopped shows.

error   its last run in this boot failed, or is older than three intervals
ok      otherwise: also when the box has no such source, and while its first run in this boot is not due yet

Ages are of CLOCK_BOOTTIME: however the wall clock jumps, the verdict stays.
"""

from __future__ import annotations

from ..store.runs import FAILED, NO_DATA
from .verdict import ERROR, OK, Verdict, rfc3339, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment
    from .facts import Job, Metric

INTERVALS = 3
# A loaded box may start a job late, and a run counts from its start but is stored at its end.
LATE_MS = 5_000


def judge(metric: Metric, now: Moment, waiting_ms: int, grace_ms: int) -> Verdict:
    """`waiting_ms`: for how long runs were to be expected; `grace_ms`: what of that is forgiven."""
    job = metric.job
    every = span(metric.interval_ms)
    allowed_ms = INTERVALS * metric.interval_ms + LATE_MS
    age_ms = job.last.age_ms(now) if job and job.last else None
    if job is None or age_ms is None:
        if waiting_ms <= max(allowed_ms, grace_ms):
            return _verdict(OK, f"waiting for the first sample, one is due every {every}", job)
        return _verdict(ERROR, f"not collected for {span(waiting_ms)} since the start, due every {every}", job)
    if job.outcome == FAILED:
        return _verdict(ERROR, f"the last run failed: {job.error}", job, job.error)
    # A new interval may be much shorter than the old one: it counts from when it was applied.
    if min(age_ms, waiting_ms) > allowed_ms:
        return _verdict(ERROR, f"not collected for {span(age_ms)}, due every {every}", job)
    if job.outcome == NO_DATA:
        return _verdict(OK, f"no data: {job.error}", job)
    return _verdict(OK, f"collected every {every}", job)


def _verdict(status: str, message: str, job: Job | None, error: str | None = None) -> Verdict:
    return Verdict(
        status,
        message,
        {
            "last_collection": rfc3339(job.done.wall_ms) if job and job.done else None,
            "metrics_collected": job.samples if job else 0,
            "last_error": error,
        },
    )
