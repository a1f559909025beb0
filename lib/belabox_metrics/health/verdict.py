"""One component's verdict, and how texts in a report look."""

from __future__ import annotations

import time

OK = "ok"
DEGRADED = "degraded"
ERROR = "error"


class Verdict:
    """`status` of one component, `message` for a person, `details` for a program."""

    __slots__ = ("details", "message", "status")

    def __init__(self, status: str, message: str, details: dict[str, object]) -> None:
        self.status = status
        self.message = message
        self.details = details


def rfc3339(wall_ms: int) -> str:
    """Unix time in ms as `2024-01-15T10:30:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall_ms // 1000))


def local(wall_ms: int) -> str:
    """The same in the time zone of the box: `2024-01-15T11:30:00+01:00`."""
    there = time.localtime(wall_ms // 1000)
    minutes = (there.tm_gmtoff or 0) // 60
    sign = "-" if minutes < 0 else "+"
    hours, minutes = divmod(abs(minutes), 60)
    return time.strftime("%Y-%m-%dT%H:%M:%S", there) + f"{sign}{hours:02}:{minutes:02}"


def span(ms: int) -> str:
    """A length of time for a person: `1500 ms`, `40 s`, `12 min`, `3 h`, `2 d`."""
    if ms % 1000 and ms < 10_000:
        return f"{ms} ms"
    seconds = ms // 1000
    for unit, length, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < until:
            return f"{seconds // length} {unit}"
    return f"{seconds // 86_400} d"
