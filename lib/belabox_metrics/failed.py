"""The job `failed`: record that a unit failed, for a job that was killed before it could say so itself.

systemd starts it through OnFailure= and tells what happened in MONITOR_* variables (systemd.exec(5), since 251; older
ones say nothing, and the name of the unit is all there is).
"""

from __future__ import annotations

import os

from . import clock, journal
from .errors import Problem
from .refused import give_up
from .store import runs
from .store.database import Store, database_path

_PREFIX = "belabox-metrics"
# systemd's own, EXIT_CREDENTIALS (systemd.exec(5), Process Exit Codes).
CREDENTIALS = "243"


def main(arguments: list[str]) -> int:
    named = arguments[0] if arguments else os.environ.get("MONITOR_UNIT", "unknown")
    # Half a surrogate pair is no text that a database takes.
    unit = named.encode("utf-8", "backslashreplace").decode()
    result = os.environ.get("MONITOR_SERVICE_RESULT", "")
    # A job that left with one of its own exit codes has stored and said why; other codes are the manager's, of a job
    # that it could not even start.
    if result == "exit-code" and os.environ.get("MONITOR_EXIT_STATUS") in ("1", "2", "78"):
        return 0
    what = _described(result, os.environ.get("MONITOR_EXIT_CODE", ""), os.environ.get("MONITOR_EXIT_STATUS", ""))
    job, metric = job_of(unit)
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
    try:
        with Store(database_path()).writing() as connection:
            runs.add(connection, runs.Run(job, clock.now(), metric=metric, outcome=runs.FAILED, error=what))
    except Problem as problem:
        return give_up(problem, database_path(), job="failed", message_id=journal.JOB_FAILED)
    return 0


def job_of(unit: str) -> tuple[str, str]:
    """`belabox-metrics@cpu.usage.service` -> ("collect", "cpu.usage"), `belabox-metrics-upload.service` ->
    ("upload", "")."""
    name = unit.rpartition(".")[0] or unit
    if name.startswith(_PREFIX + "@"):
        return "collect", name[len(_PREFIX) + 1 :]
    if name.startswith(_PREFIX + "-"):
        return name[len(_PREFIX) + 1 :], ""
    return name, ""


def _described(result: str, code: str, status: str) -> str:
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
    return known.get(result) or " ".join(["failed", result, code, status]).strip()
