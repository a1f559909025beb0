"""Samples as they were stored, one by one."""

from __future__ import annotations

import json

from ..store.history import ROLLED, SHAPES
from ..store.packed import VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection

# What the view `metrics` has, so that what a person sees here is what SQL shows. The id bounds the search: a run's id
# is never less than its timestamp.
_SAMPLES = """
SELECT run.id - run.lead_ms AS timestamp_ms, series.name, series.tags, value.value
FROM runs AS run
JOIN json_each({values}) AS value
JOIN series ON series.shape = run.shape AND series.position = value.key
WHERE run.id >= ?1 AND timestamp_ms >= ?1 AND timestamp_ms < ?2 AND run.packed IS NOT NULL AND value.type <> 'null'
    AND (run.job IN (SELECT id FROM jobs WHERE metric = ?3) OR series.name = ?3)
ORDER BY timestamp_ms, value.key
"""
# The series that a metric has had in this time, or had when it last gave values.
_NAMES = """
SELECT name FROM series
WHERE name = ?3 OR shape IN (
    SELECT shape FROM runs WHERE id >= ?1 AND id - lead_ms < ?2 AND job IN (SELECT id FROM jobs WHERE metric = ?3)
    UNION SELECT shape FROM runs WHERE id IN (SELECT values_run FROM jobs WHERE metric = ?3)
    {rolled_up}
)
GROUP BY name ORDER BY min(position), name
"""
# Beyond it no id of a step fits into an integer.
_LATEST_MS = 2**45
_ROLLED_UP = """
    UNION SELECT id % {shapes} FROM {table}
    WHERE id >= ?1 / {length_ms} * {shapes} AND id < (?2 / {length_ms} + 1) * {shapes}
        AND job IN (SELECT id FROM jobs WHERE metric = ?3)
"""
# Of a series only what has come at least once: there is no list of all that could.
_SEEN = """
SELECT EXISTS (SELECT 1 FROM settings WHERE section = 'metrics/' || ?1)
    OR EXISTS (SELECT 1 FROM jobs WHERE metric = ?1) OR EXISTS (SELECT 1 FROM series WHERE name = ?1)
"""
_TEXTS = """
SELECT series.name, series.tags, count(*), max(run.id),
    json_extract({values}, '$[' || series.position || ']') AS value
FROM runs AS run JOIN series ON series.shape = run.shape
WHERE run.id >= ?1 AND run.id - run.lead_ms >= ?1 AND run.id - run.lead_ms < ?2 AND run.packed IS NOT NULL
    AND run.shape IN (SELECT shape FROM series WHERE name IN ({names})) AND series.name IN ({names})
    AND typeof(value) = 'text'
GROUP BY series.name, series.tags
"""


class Sample:
    """`value` is a number or a text, `tags` canonical JSON or "", `timestamp_ms` Unix time."""

    __slots__ = ("name", "tags", "timestamp_ms", "value")

    def __init__(self, timestamp_ms: int, name: str, tags: str, value: object) -> None:
        self.timestamp_ms = timestamp_ms
        self.name = name
        self.tags = tags
        self.value = value


def samples(connection: Connection, metric: str, since_ms: int, until_ms: int) -> list[Sample]:
    """All of a metric, or of a series of that name, in [since_ms, until_ms), oldest first."""
    return [Sample(*row) for row in connection.execute(_SAMPLES.format(values=VALUES), (since_ms, until_ms, metric))]


def names(connection: Connection, metric: str, since_ms: int, until_ms: int) -> tuple[str, ...]:
    """The names of the series of a metric, or of the one series of that name, in the order the collector gives them."""
    rolled_up = "".join(
        _ROLLED_UP.format(table=table, length_ms=length_ms, shapes=SHAPES) for table, length_ms in ROLLED
    )
    rows = connection.execute(_NAMES.format(rolled_up=rolled_up), (since_ms, min(until_ms, _LATEST_MS), metric))
    return tuple(row[0] for row in rows)


def texts(
    connection: Connection, wanted: tuple[str, ...], since_ms: int, until_ms: int
) -> Iterator[tuple[str, str, int, str]]:
    """(name, canonical tags, how many, the last) of the series of these names that had texts."""
    places = ", ".join(f"?{at + 3}" for at in range(len(wanted)))
    rows = connection.execute(_TEXTS.format(values=VALUES, names=places), (since_ms, until_ms, *wanted))
    for name, tags, count, _, last in rows:
        yield name, tags, count, last


def is_known(connection: Connection, metric: str) -> bool:
    """Whether there is, or ever was, a metric or a series of that name."""
    return bool(connection.execute(_SEEN, (metric,)).fetchone()[0])


def spelled(name: str, tags: str) -> str:
    """`cpu.usage_percent{core=all}`. Text from outside: not fit for a terminal yet."""
    try:
        found = json.loads(tags or "{}")
    except ValueError:
        return f"{name}{tags}"
    shown = ",".join(f"{key}={text}" for key, text in found.items()) if isinstance(found, dict) else tags
    return f"{name}{{{shown}}}" if shown else name
