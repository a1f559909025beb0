"""What the server has of what is stored: each sample by its series and its value, in the place where it belongs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from belabox_metrics.upload.formats.labels import labels_of

from .guest import Guest
from .slots import Span
from .truth import Truth

_SAMPLES = """
SELECT run.boot = (SELECT max(boot) FROM runs), run.boottime_ms, metrics.timestamp_ms, metric_name, metrics.tags,
    metric_value
FROM metrics JOIN runs AS run ON run.id = metrics.id / 4096 WHERE metric_value IS NOT NULL
"""
# The server keeps a number as a decimal one.
_DIGITS = 12
_NOTHING_PENDING = "nothing is pending"

Series = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """`value` as text; `at`: seconds since boot, None for an earlier boot; `unix`: where it belongs."""

    series: Series
    value: str
    at: float | None
    unix: float


class Arrivals(NamedTuple):
    """`placed`: each stored sample that came, and ms from where it belongs; `lost`: those that did not come; `beyond`:
    copies, and what nobody has stored."""

    placed: list[tuple[Sample, float]]
    lost: list[Sample]
    beyond: list[str]

    def within(self, span: Span) -> Arrivals:
        """Of this boot. Nothing of what is beyond: that has no time since boot."""
        placed = [(sample, ms) for sample, ms in self.placed if sample.at is not None and span.has(sample.at)]
        return Arrivals(placed, [one for one in self.lost if one.at is not None and span.has(one.at)], [])

    @property
    def tried(self) -> int:
        return len(self.placed) + len(self.lost)

    @property
    def furthest_ms(self) -> float:
        return max((abs(ms) for _, ms in self.placed), default=0)

    def wrong(self, bound_ms: float) -> list[str]:
        found = [] if self.placed else ["no sample arrived"]
        if self.furthest_ms > bound_ms:
            found.append(f"a sample is {self.furthest_ms:.0f} ms from where it belongs, promised are {bound_ms:.0f}")
        return found


def all_sent(guest: Guest, truth: Truth) -> Arrivals:
    """Nothing is collected any more, and all that is stored is sent."""
    guest.stop_timers()
    guest.until(
        lambda: _NOTHING_PENDING in guest.run("belabox-metrics", "upload", check=False), _NOTHING_PENDING, timeout=180
    )
    return balance(list(stored(guest, truth)), exported(guest.server.exported()))


def stored(guest: Guest, truth: Truth) -> Iterator[Sample]:
    """Of all boots: the clock of an earlier one was right."""
    for is_present, boottime_ms, timestamp_ms, name, tags, value in guest.sql(_SAMPLES):
        at = boottime_ms / 1000 if is_present else None
        labels = labels_of((name, tags or ""), "")
        unix = timestamp_ms / 1000 if at is None else truth.unix(at)
        yield Sample(tuple(sorted(labels.items())), _text(value), at, unix)


def exported(lines: Iterable[dict[str, Any]]) -> dict[tuple[Series, str], list[float]]:
    """Of each series and value, at which Unix times."""
    found: dict[tuple[Series, str], list[float]] = defaultdict(list)
    for line in lines:
        series = tuple(sorted(item for item in line["metric"].items() if item[0] != "device_id"))
        for ms, value in zip(line["timestamps"], line["values"]):
            found[series, _text(value)].append(ms / 1000)
    return found


def balance(samples: list[Sample], came: dict[tuple[Series, str], list[float]]) -> Arrivals:
    """Of those that are alike in series and value, the nearest two belong together."""
    alike: dict[tuple[Series, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        alike[sample.series, sample.value].append(sample)
    found = Arrivals([], [], [])
    for key in {**alike, **came}:
        wanted, times = dict(enumerate(alike.get(key, ()))), dict(enumerate(came.get(key, ())))
        pairs = [
            (abs(time - one.unix), number, place) for number, one in wanted.items() for place, time in times.items()
        ]
        for _, number, place in sorted(pairs):
            if number in wanted and place in times:
                sample = wanted.pop(number)
                found.placed.append((sample, 1000 * (times.pop(place) - sample.unix)))
        found.lost.extend(wanted.values())
        found.beyond.extend(f"{dict(key[0])['__name__']} {key[1]} at {time}" for time in times.values())
    return found


def _text(value: float) -> str:
    return f"{value:.{_DIGITS}g}"
