"""An event is stored as a run of its own: it has its own time and its own priority."""

from __future__ import annotations

from ..clock import Moment
from ..sample import Sample
from . import runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..event import Event

JOB = "event"
# A log can have a hundred thousand lines, and one run must not hold the lock for that long.
MOST = 200
TEXT_LIMIT = 1000


def add(connection: Connection, events: list[Event], moment: Moment) -> int:
    """Insert the first MOST of them, inside a transaction; how many that were. `moment` is when they were found
    out."""
    for event in events[:MOST]:
        runs.add(connection, _run(event, moment))
    return min(len(events), MOST)


def _run(event: Event, moment: Moment) -> runs.Run:
    tags = {**event.tags, "event": event.name}
    samples = [Sample("stream.event", 1, tags)]
    if event.text:
        samples.append(Sample("stream.event_text", event.text[:TEXT_LIMIT], tags))
    ago_ms = max(0, moment.wall_ms - event.wall_ms)
    return runs.Run(
        JOB,
        Moment(moment.wall_ms - ago_ms, moment.boottime_ms - ago_ms, moment.boot_id, moment.synchronized),
        metric=event.name,
        samples=samples,
        priority=event.priority,
    )
