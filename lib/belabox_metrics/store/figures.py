"""What the database tells about the jobs themselves."""

from __future__ import annotations

import posix as os  # as environment.py says

from . import queue, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection


def totals_of(connection: Connection, job: str) -> tuple[int, int]:
    """(numbers stored, runs that failed) of all runs of `job` that there ever were."""
    stored, failed = connection.execute(
        "SELECT coalesce(sum(samples_total), 0), coalesce(sum(failures_total), 0) FROM jobs WHERE job = ?", (job,)
    ).fetchone()
    return int(stored), int(failed)


def durations_us(connection: Connection, job: str, after: int) -> list[int]:
    """How long the runs of `job` after the run `after` took, in no order. Those that found nothing to do are left
    out."""
    rows = connection.execute(
        "SELECT duration_us FROM runs WHERE id > ? AND outcome <> ? AND job IN (SELECT id FROM jobs WHERE job = ?)",
        (after, runs.NO_DATA, job),
    )
    return [int(row[0]) for row in rows]


def pending(connection: Connection) -> int:
    """How many numbers wait to be sent."""
    return max(0, queue.pending_count(connection))


def sizes(connection: Connection) -> tuple[int, int]:
    """Bytes of the database's file and of its log."""
    return sizes_at(str(connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0]))


def sizes_at(path: str) -> tuple[int, int]:
    """Bytes of the database's file at `path` and of its log, 0 where there is none."""
    return size(path), size(path + "-wal")


def size(path: str) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
