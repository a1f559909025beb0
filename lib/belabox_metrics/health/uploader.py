"""Does what is stored reach the server?

error     the last good upload is older than the error threshold, and more is pending than its threshold
degraded  the last good upload is older, or more is pending, than the degraded thresholds; or the server refuses what
          is sent, as with a wrong token; or the uploader itself is in another mode than realtime
ok        otherwise, and always while uploads are switched off

mode: `disabled`, or the uploader's own: `realtime`, `degraded`, `offline` (upload/mode.py).
"""

from __future__ import annotations

from ..store.runs import FAILED
from .verdict import DEGRADED, ERROR, OK, Verdict, rfc3339, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment
    from .facts import Facts


def judge(facts: Facts, now: Moment, waiting_ms: int, grace_ms: int) -> Verdict:
    """`waiting_ms`: for how long uploads were to be expected; `grace_ms`: what of that is forgiven."""
    limits = facts.limits
    if limits.why_no_upload:
        return _verdict(OK, limits.why_no_upload, facts, None, "disabled")
    job = facts.upload
    age_ms = job.done.age_ms(now) if job and job.done else None
    failed = job is not None and job.outcome == FAILED and job.last is not None and job.last.age_ms(now) is not None
    # An age counts from the last good upload of this boot; before the first one, from when it could have been.
    silent_ms = min(age_ms, waiting_ms) if age_ms is not None else max(0, waiting_ms - grace_ms)
    late = silent_ms > limits.upload_age_degraded_ms
    behind = facts.pending > limits.pending_degraded
    link = facts.link
    refused = link.outcomes.endswith("r")
    status = DEGRADED if late or behind or refused else OK
    if link.mode != "realtime" and not limits.mode_is_chosen:
        status = DEGRADED
    if silent_ms > limits.upload_age_error_ms and facts.pending > limits.pending_error:
        status = ERROR
    said = [_MODES[link.mode]] if link.mode in _MODES else []
    if late and age_ms is not None:
        said.append(f"no good upload for {span(age_ms)}")
    elif late:
        said.append(f"no good upload since the start {span(waiting_ms)} ago")
    if behind:
        said.append(f"{facts.pending} samples wait, more than {limits.pending_degraded}")
    if failed and job:
        said.append(f"the last attempt failed: {job.error}")
    if not said:
        said.append("uploads arrive" if age_ms is not None else "waiting for the first upload")
    if facts.rejected:
        said.append(f"{facts.rejected} samples were set aside, the last because of: {facts.rejected_why}")
    return _verdict(status, "; ".join(said), facts, age_ms, link.mode)


_MODES = {"degraded": "the way to the server is bad, what is urgent goes first", "offline": "no way to the server"}


def _verdict(status: str, message: str, facts: Facts, age_ms: int | None, mode: str) -> Verdict:
    job = facts.upload
    return Verdict(
        status,
        message,
        {
            "last_upload_time": rfc3339(job.done.wall_ms) if job and job.done else None,
            "metrics_uploaded": facts.sent,
            "upload_failures": job.failures if job else 0,
            "pending_count": facts.pending,
            "retry_queue_size": facts.retrying,
            "rejected_count": facts.rejected,
            "time_since_upload_seconds": None if age_ms is None else age_ms // 1000,
            "mode": mode,
        },
    )


def unknown() -> Verdict:
    """While the database can't be read."""
    names = ("last_upload_time", "metrics_uploaded", "upload_failures", "pending_count", "retry_queue_size")
    details = dict.fromkeys((*names, "rejected_count", "time_since_upload_seconds", "mode"))
    return Verdict(ERROR, "not known: the database can't be read", dict(details))
