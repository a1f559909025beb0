"""The job `failed`: record that a unit failed, for a job that was killed before it could say so itself.

systemd starts it through OnFailure= and tells what happened in MONITOR_* variables (systemd.exec(5), since 251). Older
ones say nothing: then what the job itself has just stored is what happened, and without that all that is known is that
it failed.
"""

from __future__ import annotations

import os

from . import clock, journal
from .errors import Problem
from .refused import give_up
from .store import runs
from .store.database import Store, database_path
from .store.instant import Instant
from .store.options import named

_PREFIX = "belabox-metrics"
# systemd's own, EXIT_CREDENTIALS (systemd.exec(5), Process Exit Codes).
CREDENTIALS = "243"
# No job of ours, so it could never store that it is well again. And what it did not get to the disk, this would not
# either.
SYNC = "sync"
# Its exit code, of sysexits.h: EX_IOERR.
NOT_WRITTEN = "74"
# From the end of a job to here systemd takes a fraction of a second, on a busy box a few. The next run of the same job
# may fail in another way, and most are due every five seconds or later.
JUST_NOW_MS = 4_000
_LAST = """
SELECT run.boottime_ms + run.duration_us / 1000
FROM jobs JOIN runs AS run ON run.id = jobs.last_run JOIN boots ON boots.id = run.boot
WHERE jobs.job = ? AND jobs.metric = ? AND run.outcome = ? AND boots.boot_id = ?
"""


def main(arguments: list[str]) -> int:
    unit = named(arguments[0] if arguments else os.environ.get("MONITOR_UNIT", "unknown"))
    result = os.environ.get("MONITOR_SERVICE_RESULT", "")
    # A job that left with one of its own exit codes has stored and said why; other codes are the manager's, of a job
    # that it could not even start.
    if result == "exit-code" and os.environ.get("MONITOR_EXIT_STATUS") in ("1", "2", "75", "78"):
        return 0
    job, metric = job_of(unit)
    if not result and _has_told(job, metric):
        return 0
    what = _described(job, result, os.environ.get("MONITOR_EXIT_CODE", ""), os.environ.get("MONITOR_EXIT_STATUS", ""))
    journal.record(
        f"{unit}: {what}",
        priority=journal.ERROR,
        message_id=journal.UNIT_FAILED,
        job="failed",
        metric=metric or None,
        unit=unit,
        error=what,
        error_type=result or "unknown",
    )
    if job == SYNC:
        return 0
    try:
        with Store(database_path()).writing() as connection:
            runs.add(connection, runs.Run(job, clock.now(), metric=metric, outcome=runs.FAILED, error=what))
    except Problem as problem:
        return give_up(problem, database_path(), job="failed", message_id=journal.JOB_FAILED)
    return 0


def _has_told(job: str, metric: str) -> bool:
    """Whether a failure is the last that the job has stored, and it did so just now."""
    now = clock.now()
    try:
        with Instant(Store(database_path())) as connection:
            found = connection.execute(_LAST, (job, metric, runs.FAILED, now.boot_id)).fetchone()
    except Problem:
        return False
    return found is not None and now.boottime_ms - int(found[0]) <= JUST_NOW_MS


def job_of(unit: str) -> tuple[str, str]:
    """`belabox-metrics@cpu.usage.service` -> ("collect", "cpu.usage"), `belabox-metrics-upload.service` ->
    ("upload", "")."""
    name = unit.rpartition(".")[0] or unit
    if name.startswith(_PREFIX + "@"):
        return "collect", name[len(_PREFIX) + 1 :]
    if name.startswith(_PREFIX + "-"):
        return name[len(_PREFIX) + 1 :], ""
    return name, ""


def _described(job: str, result: str, code: str, status: str) -> str:
    known = {
        "timeout": "took too long and was stopped",
        "oom-kill": "ran out of memory and was killed",
        "signal": f"was killed by signal {status}",
        "core-dump": f"crashed with signal {status}",
        "exit-code": f"left with exit code {status}",
        "resources": "could not be started, the system lacks a resource",
    }
    if (result, status) == ("exit-code", CREDENTIALS):
        return "could not be given its secrets: is a file of remote.auth or remote.tls missing?"
    if (job, result, status) == (SYNC, "exit-code", NOT_WRITTEN):
        return "what was stored could not be written to the disk: journalctl -u belabox-metrics-sync"
    return known.get(result) or " ".join(["failed", result, code, status]).strip()
