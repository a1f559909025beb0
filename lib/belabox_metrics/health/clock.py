"""The component `time`: whether the clock was set, and how far it is from the metrics server's."""

from __future__ import annotations

from ..json_text import parse
from .verdict import DEGRADED, OK, Verdict, local, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..clock import Moment


# No clock is so far off. SQLite lets a person write anything, infinity too.
LONGEST_MS = 10**15


class Skew:
    """What was measured last: `ms` that the clock was ahead, give or take `error_ms`, at `wall_ms` by that clock and
    `boottime_ms` in the boot `boot_id`."""

    __slots__ = ("boot_id", "boottime_ms", "error_ms", "ms", "wall_ms")

    def __init__(self, ms: float, error_ms: float, wall_ms: int, boot_id: str, boottime_ms: int) -> None:
        self.ms = ms
        self.error_ms = error_ms
        self.wall_ms = wall_ms
        self.boot_id = boot_id
        self.boottime_ms = boottime_ms

    def at(self, now: Moment) -> int | None:
        """What is left of it at `now`, ms; None in another boot. A clock that was set since then has changed by exactly
        what it is ahead of the time since boot."""
        if self.boot_id != now.boot_id:
            return None
        return round(self.ms + (now.wall_ms - now.boottime_ms) - (self.wall_ms - self.boottime_ms))


# Of the last run that has values, whichever job measures it. CROSS JOIN keeps the order of the tables: from the few
# rows of jobs, not through all runs.
_SKEW = """
SELECT name, packed, position, runs.id - lead_ms, boot_id, boottime_ms
FROM jobs CROSS JOIN runs ON runs.id = values_run CROSS JOIN series ON series.shape = runs.shape
    CROSS JOIN boots ON boots.id = runs.boot
WHERE series.name IN ('time.skew_ms', 'time.skew_error_ms') ORDER BY runs.id DESC, name DESC LIMIT 2
"""


def read(connection: Connection) -> Skew | None:
    """The last measurement; None before the first."""
    found: dict[str, float] = {}
    moment: tuple[int, str, int] | None = None
    for name, packed, position, *stamp in connection.execute(_SKEW):
        values = parse(packed)
        value = values[position] if isinstance(values, list) and position < len(values) else None
        if isinstance(value, (int, float)) and abs(value) < LONGEST_MS and (moment is None or moment == tuple(stamp)):
            found[name], moment = value, (stamp[0], stamp[1], stamp[2])
    if moment is None or "time.skew_ms" not in found:
        return None
    return Skew(found["time.skew_ms"], found.get("time.skew_error_ms", 0), *moment)


def judge(skew: Skew | None, limit_ms: int, now: Moment) -> Verdict:
    """Degraded when the clocks differ by more than `limit_ms`, and for certain. A clock that nobody has set is none: a
    box without network has no other."""
    status = OK
    message = "the clock was set from a server" if now.synchronized else "not synchronised: no server has set the clock"
    ms = skew.at(now) if skew else None
    if skew is not None and ms is not None:
        age = span(max(0, now.boottime_ms - skew.boottime_ms) // 1000 * 1000)
        message += f"; {abs(ms)} ms {'ahead of' if ms > 0 else 'behind'} the metrics server's"
        message += f", give or take {skew.error_ms:.0f} ms, compared {age} ago"
        status = DEGRADED if abs(ms) > max(limit_ms, skew.error_ms) else OK
    return Verdict(status, message, {"local": local(now.wall_ms), "skew_ms": ms, "ntp_synced": now.synchronized})
