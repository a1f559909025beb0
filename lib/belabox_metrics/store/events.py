"""An event is stored as a run of its own: it has its own time and its own priority."""

from __future__ import annotations

from ..clock import Moment
from ..sample import Sample
from . import runs
from .packed import VALUES
from .tags import tags_of

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


class Happened:
    """A stored event: `name`, when (`timestamp_ms`, Unix time), canonical `tags` without the name, `priority`, `text`
    for a person, "" for none."""

    __slots__ = ("name", "priority", "tags", "text", "timestamp_ms")

    def __init__(self, name: str, timestamp_ms: int, tags: dict[str, str], priority: int, text: str) -> None:
        self.name = name
        self.timestamp_ms = timestamp_ms
        self.tags = tags
        self.priority = priority
        self.text = text


_BETWEEN = """
SELECT jobs.metric, run.id - run.lead_ms AS timestamp_ms, series.tags, run.priority, json_extract({values}, '$[1]')
FROM runs AS run JOIN jobs ON jobs.id = run.job JOIN series ON series.shape = run.shape AND series.position = 0
WHERE run.id >= ?1 AND timestamp_ms >= ?1 AND timestamp_ms < ?2 AND jobs.job = 'event'
ORDER BY timestamp_ms DESC, run.id DESC LIMIT ?3
"""


def between(connection: Connection, since_ms: int, until_ms: int, most: int = 1000) -> list[Happened]:
    """The last `most` events of [since_ms, until_ms), oldest first."""
    rows = connection.execute(_BETWEEN.format(values=VALUES), (since_ms, until_ms, most)).fetchall()
    return [
        Happened(name, timestamp_ms, _without_name(tags), priority, str(text or ""))
        for name, timestamp_ms, tags, priority, text in reversed(rows)
    ]


def _without_name(canonical: str) -> dict[str, str]:
    tags = tags_of(canonical)
    tags.pop("event", None)
    return tags


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
