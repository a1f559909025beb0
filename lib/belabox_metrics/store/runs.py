"""Writing a run: one row, one page, whatever the number of samples."""

from __future__ import annotations

from ..sample import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment
    from ..sample import Sample

DONE = 0
NO_DATA = 1
FAILED = 2

# Priorities. The first two do not wait for the timer of the uploader.
CRITICAL = 0
HIGH = 1
NORMAL = 2

# The text of an error is for people; a page is not.
ERROR_LIMIT = 500
# Of doubles: an integer may be larger.
_LARGEST = 1.7976931348623157e308


class Run:
    """One activation of one job, as it is to be stored. `samples` is empty unless `outcome` is DONE.

    state: text for the job's next run; None leaves what is there.
    """

    __slots__ = (
        "duration_us",
        "error",
        "job",
        "metric",
        "moment",
        "outcome",
        "packed",
        "priority",
        "refused",
        "shape",
        "size",
        "state",
    )

    def __init__(
        self,
        job: str,
        moment: Moment,
        *,
        metric: str = "",
        samples: list[Sample] | None = None,
        outcome: int = DONE,
        priority: int = 2,
        state: str | None = None,
        error: str = "",
        duration_us: int = 0,
    ) -> None:
        self.job = job
        self.metric = metric
        self.moment = moment
        self.outcome = outcome
        self.priority = priority
        self.state = state
        # Half a surrogate pair, out of the name of a file, is no text that a database takes.
        self.error = error.encode("utf-8", "backslashreplace").decode()[:ERROR_LIMIT]
        self.duration_us = duration_us
        self.shape, self.packed, self.size, self.refused = pack(samples or [])


def pack(samples: list[Sample]) -> tuple[list[tuple[str, str]], str | None, int, list[str]]:
    """Samples to (shape, JSON array, count of numbers, what was refused and why).

    A number that is not finite is refused here, at the door, as is a second value for one series: its place holds
    null, the rest of the run is kept.
    """
    shape: list[tuple[str, str]] = []
    values: list[str] = []
    refused: list[str] = []
    seen = set()
    numbers = 0
    for sample in samples:
        series = (sample.name, canonical(sample.tags))
        if series in seen:
            refused.append(f"{sample.name}{series[1]} has a second value")
            continue
        seen.add(series)
        shape.append(series)
        value = sample.value
        if value is None:
            values.append("null")
        elif isinstance(value, str):
            from ..json_text import quote

            values.append(quote(value))
        elif not -_LARGEST <= value <= _LARGEST:  # NaN is not either
            what = "larger than any number may be" if isinstance(value, int) else f"{value}, not a finite number"
            refused.append(f"{sample.name}{series[1]} is {what}")
            values.append("null")
        else:
            values.append(repr(int(value) if isinstance(value, bool) else value))
            numbers += 1
    return shape, f"[{','.join(values)}]" if values else None, numbers, refused


def live_session(connection: Connection, boot: int | None) -> tuple[int, str] | None:
    """Number and id of the session that is live in this boot (boots.id); one of another boot was cut off with it."""
    found: tuple[int, str] | None = connection.execute(
        "SELECT number, id FROM sessions WHERE status = 'active' AND coalesce(of_boot, ?1) = ?1 LIMIT 1", (boot,)
    ).fetchone()
    return found


def add(connection: Connection, run: Run) -> str:
    """Insert `run` and bring its job's row up to date, inside a transaction of `Store.writing`.

    The id of the session it falls in, "" while no stream is live.
    """
    moment = run.moment
    job = job_number(connection, run.job, run.metric)
    boot = boot_number(connection, moment.boot_id)
    shape = shape_number(connection, run.shape) if run.shape else None
    last = connection.execute("SELECT max(id) FROM runs").fetchone()[0] or 0
    number = max(moment.wall_ms, last + 1)
    session, session_id = live_session(connection, boot) or (None, "")
    connection.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            job,
            number - moment.wall_ms,
            boot,
            moment.boottime_ms,
            int(moment.synchronized),
            run.duration_us,
            run.outcome,
            run.priority,
            session,
            shape,
            run.packed,
            run.error or None,
        ),
    )
    connection.execute(_LAST, (number, run.outcome, moment.wall_ms, boot, moment.boottime_ms, run.size, job))
    if run.outcome == FAILED:
        connection.execute(_FAILED, (run.error, job))
    else:
        connection.execute(_DONE, (moment.wall_ms, boot, moment.boottime_ms, run.error or None, job))
    if run.packed is not None:
        connection.execute("UPDATE jobs SET values_run = ? WHERE id = ?", (number, job))
    if run.state is not None:
        connection.execute(_STATE, (run.state, boot, moment.boottime_ms, job))
    return str(session_id)


_LAST = """
UPDATE jobs SET last_run = ?, last_outcome = ?, last_timestamp_ms = ?, last_boot = ?, last_boottime_ms = ?,
    runs_total = runs_total + 1, samples_total = samples_total + ? WHERE id = ?
"""
_FAILED = "UPDATE jobs SET last_error = ?, failures = failures + 1, failures_total = failures_total + 1 WHERE id = ?"
_DONE = """
UPDATE jobs SET done_timestamp_ms = ?, done_boot = ?, done_boottime_ms = ?, failures = 0,
    last_error = ? WHERE id = ?
"""
_STATE = "UPDATE jobs SET state = ?, state_boot = ?, state_boottime_ms = ? WHERE id = ?"


def remembered(
    connection: Connection, job: str, metric: str, moment: Moment, outlives_boot: bool = False
) -> tuple[str, int | None]:
    """What the job left for its next run, and how many ms ago; ("", None) without such a run in this boot.

    outlives_boot: a state of an earlier boot is good too; how long ago that was is not known."""
    row = connection.execute(
        "SELECT state, state_boottime_ms, state_boottime_ms IS NOT NULL"
        " AND state_boot = (SELECT id FROM boots WHERE boot_id = ?) FROM jobs WHERE job = ? AND metric = ?",
        (moment.boot_id, job, metric),
    ).fetchone()
    if row is None or row[0] is None or not (row[2] or outlives_boot):
        return "", None
    return row[0], max(0, moment.boottime_ms - row[1]) if row[2] else None


def alerts(connection: Connection, metric: str) -> str:
    """What the alerts of a metric left to remember, "" for nothing."""
    row = connection.execute("SELECT alerts FROM jobs WHERE job = 'collect' AND metric = ?", (metric,)).fetchone()
    return row[0] or "" if row else ""


def remember_alerts(connection: Connection, metric: str, memory: str) -> None:
    """Leave it for the next run of the metric. Inside a transaction, after the run was added."""
    connection.execute("UPDATE jobs SET alerts = ? WHERE job = 'collect' AND metric = ?", (memory or None, metric))


def retry_has_come(connection: Connection, moment: Moment) -> bool:
    """Whether an upload that failed is to be tried again by now. Every collection asks this, so it is here and not in a
    module that would have to be imported for it."""
    found = connection.execute(
        "SELECT 1 FROM link JOIN boots ON boots.id = link.boot WHERE retry_boottime_ms <= ? AND boot_id = ?",
        (moment.boottime_ms, moment.boot_id),
    )
    return found.fetchone() is not None


def job_number(connection: Connection, job: str, metric: str) -> int:
    """`jobs.id`, of a new row where there is none. Inside a transaction, as the next two."""
    return _id_of(connection, "jobs", {"job": job, "metric": metric})


def boot_number(connection: Connection, boot_id: str) -> int:
    """`boots.id`."""
    return _id_of(connection, "boots", {"boot_id": boot_id})


def _id_of(connection: Connection, table: str, key: dict[str, str]) -> int:
    """The id of the row of `table` with this unique key, which is made if it is missing."""
    found = connection.execute(
        f"SELECT id FROM {table} WHERE {' AND '.join([f'{column} = ?' for column in key])}",  # noqa: S608 - no input
        tuple(key.values()),
    ).fetchone()
    if found:
        return int(found[0])
    columns, marks = ", ".join(key), ", ".join("?" * len(key))
    made = connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(key.values()))  # noqa: S608
    return int(made.lastrowid or 0)


def signature(series: list[tuple[str, str]]) -> str:
    """What tells a list of (name, canonical tags) from others: by this its shape is found."""
    return "\n".join([f"{name}{tags}" for name, tags in series])


def shape_number(connection: Connection, series: list[tuple[str, str]]) -> int:
    """`shapes.id` of this list of (name, canonical tags)."""
    signed = signature(series)
    found = connection.execute("SELECT id FROM shapes WHERE signature = ?", (signed,)).fetchone()
    if found:
        return int(found[0])
    shape = _id_of(connection, "shapes", {"signature": signed})
    connection.executemany(
        "INSERT INTO series VALUES (?, ?, ?, ?)",
        [(shape, position, name, tags) for position, (name, tags) in enumerate(series)],
    )
    return shape
