"""The last value of every series, with how old it is."""

from __future__ import annotations

from ..json_text import parse
from .runs import DONE
from .tags import tags_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Union

    from ..clock import Moment

    Value = Union[int, float, str]

_RUNS = """
SELECT jobs.metric, run.shape, run.packed, run.boottime_ms
FROM jobs JOIN runs AS run ON run.id = jobs.last_run JOIN boots ON boots.id = run.boot
WHERE jobs.job = 'collect' AND run.outcome = ? AND run.packed IS NOT NULL AND boots.boot_id = ?
ORDER BY jobs.metric
"""
_SERIES = "SELECT name, tags FROM series WHERE shape = ? ORDER BY position"


class Reading:
    """What a series was last: `metric` measured it `age_ms` ago."""

    __slots__ = ("age_ms", "metric", "name", "tags", "value")

    def __init__(self, metric: str, name: str, tags: dict[str, str], value: Value, age_ms: int) -> None:
        self.metric = metric
        self.name = name
        self.tags = tags
        self.value = value
        self.age_ms = age_ms


def readings(connection: Connection, now: Moment) -> list[Reading]:
    """Of each metric whose last run is of this boot and has values, in the order of the metrics and of their series."""
    found: list[Reading] = []
    for metric, shape, packed, boottime_ms in connection.execute(_RUNS, (DONE, now.boot_id)).fetchall():
        try:
            values = parse(packed)
        except ValueError:  # one damaged row does not hide the others
            continue
        age_ms = max(0, now.boottime_ms - boottime_ms)
        series = connection.execute(_SERIES, (shape,))
        for (name, canonical), value in zip(series, values if isinstance(values, list) else []):
            # Infinity and what is no number is nobody's reading.
            if isinstance(value, str) or (type(value) in (int, float) and value - value == 0):
                found.append(Reading(metric, name, tags_of(canonical), value, age_ms))
    return found
