"""`stream.health`: how well the stream goes, made of what other metrics have measured in the last minute.

Its source is the database, as that of `meta` is. The formulas are in `belabox_metrics/stream/health.py`. What goes into
them is looked up here: of two series that tell the same, the one that is nearer to the viewer.
"""

from __future__ import annotations

from .. import clock
from ..errors import NoData, SourceProblem
from ..sample import Sample
from ..source import unsigned
from ..store import recent
from ..stream import health
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "stream.health"
PRIORITY = 2
SETTINGS: Settings = {}

METRICS = ("stream.session", "stream.links", "encoder", "srt.packet_loss", "srt.relay")
WINDOW_MS = 60_000
# Single values jump: the score is made of their mean over so long.
RECENT_MS = 30_000
# By how much the begin of one session may seem to differ from run to run: its age is rounded.
_SAME_MS = 2000

# What each part of the score is made of: the first of these that is told.
_SOURCES = {
    "connected": ("srt.connected",),
    "loss": ("srt.packet_loss_percent",),
    "drops": ("srt.drop_percent",),
    "round_trip": ("srt.rtt_ms", "stream.link_rtt_ms"),
    "frame_rate": ("encoder.output_frame_rate_fps", "encoder.frame_rate_fps"),
    "frames_dropped": ("encoder.frames_dropped_percent",),
}
_BITRATE = ("srt.bitrate_kbps", "encoder.output_bitrate_kbps", "stream.bitrate_kbps")
_MOST = ('encoder.bitrate_limit_kbps{"limit":"max"}',)
_ACTIVE = ("stream.links_active",)
# The stream is up while none of these that is told is 0.
_UP = (_SOURCES["connected"], _SOURCES["frame_rate"], _ACTIVE)


def collect(world: World) -> Reading:
    """While a stream is live: `stream.health_score` with its parts, `stream.health_part_ratio` (tag `part`),
    `stream.stability_index`, `stream.reliability_percent` and `stream.latency_seconds`, each where its inputs are
    there.

    Raises NoData while none is live, where that is not known, and where there is no database."""
    if world.connection is None:
        raise NoData("there is no database to look into")
    moment = world.moment or clock.now()
    lately = Lately(recent.readings(world.connection, METRICS, moment, WINDOW_MS), moment.boottime_ms)
    live, age = lately.last("stream.live"), lately.last("stream.uptime_seconds")
    if live is None:
        raise NoData("stream.session has not told of late whether a stream is live")
    if not live.value or age is None:
        raise NoData("no stream is live")
    began_ms = age.at_ms - int(age.value * 1000)
    lately.forget_before(began_ms)
    values = _values(lately)
    parts = health.parts(values)
    reliability = _reliability(world, lately, began_ms)
    found = {
        "stream.health_score": health.score(parts),
        "stream.stability_index": health.stability(*map(lately.values, (_BITRATE, _SOURCES["round_trip"], _ACTIVE))),
        "stream.reliability_percent": reliability.percent(),
        "stream.latency_seconds": _latency(world, lately, values),
    }
    samples = [Sample(name, value) for name, value in found.items() if value is not None]
    samples += [Sample("stream.health_part_ratio", round(part, 3), {"part": name}) for name, part in parts.items()]
    return Reading(samples, _state(reliability))


class Lately:
    """The readings of the last minute, by series: the name, or the name and the tags."""

    def __init__(self, readings: list[recent.Reading], now_ms: int) -> None:
        self._now_ms = now_ms
        self._by_series: dict[str, list[recent.Reading]] = {}
        for reading in readings:
            self._by_series.setdefault(reading.name, []).append(reading)
            if reading.tags:
                self._by_series.setdefault(reading.name + reading.tags, []).append(reading)

    def forget_before(self, began_ms: int) -> None:
        """What was read of an earlier stream."""
        for series, readings in self._by_series.items():
            self._by_series[series] = [reading for reading in readings if reading.at_ms >= began_ms]

    def last(self, series: str) -> recent.Reading | None:
        readings = self._by_series.get(series)
        return readings[-1] if readings else None

    def values(self, series: tuple[str, ...], within_ms: int = WINDOW_MS) -> list[float]:
        """Of the first that is told, oldest first; of several tags their mean, at each time."""
        for name in series:
            at: dict[int, list[float]] = {}
            for reading in self._by_series.get(name, []):
                if reading.at_ms > self._now_ms - within_ms:
                    at.setdefault(reading.at_ms, []).append(reading.value)
            if at:
                return [sum(values) / len(values) for values in at.values()]
        return []

    def mean(self, series: tuple[str, ...]) -> float | None:
        """Of late; the last of the minute where that is longer ago."""
        values = self.values(series, RECENT_MS) or self.values(series)[-1:]
        return sum(values) / len(values) if values else None


def _values(lately: Lately) -> dict[str, float]:
    """What is known of health.SCALES."""
    found = {name: lately.mean(series) for name, series in _SOURCES.items()}
    bitrate, most = lately.mean(_BITRATE), lately.mean(_MOST)
    if bitrate is not None and most:
        found["bitrate"] = 100 * bitrate / most
    active, links = lately.mean(_ACTIVE), lately.last("stream.links")
    if active is not None and links is not None:
        found["links"] = 100 * active / links.value if links.value > 0 else 0
    return {name: value for name, value in found.items() if value is not None}


def _latency(world: World, lately: Lately, values: dict[str, float]) -> float | None:
    agreed_ms = lately.mean(("srt.latency_ms",))
    if agreed_ms is None and world.connection is not None:
        agreed_ms = recent.latency_ms(world.connection)
    if agreed_ms is None or "round_trip" not in values or "frame_rate" not in values:
        return None
    return health.latency_seconds(agreed_ms, values["round_trip"], values["frame_rate"])


def _reliability(world: World, lately: Lately, began_ms: int) -> health.Reliability:
    """What the last run left of this session, with the time since; of another session, nothing yet."""
    counted = lately.last("stream.reconnects_total")
    reconnects = int(counted.value) if counted else 0
    kept = _remembered(world.state)
    if kept is None or abs(kept.began_ms - began_ms) > _SAME_MS:
        return health.Reliability(began_ms, reconnects)
    told = [values[-1] for values in map(lately.values, _UP) if values]
    if told:
        kept.add(world.elapsed_ms or 0, all(told), reconnects)
    return kept


def _remembered(state: str) -> health.Reliability | None:
    """What `_state` wrote; None of anything else."""
    try:
        numbers = [unsigned(word, "state", 0, "number") for word in state.split(" ")]
    except SourceProblem:
        return None
    return health.Reliability(*numbers) if len(numbers) == 4 else None


def _state(it: health.Reliability) -> str:
    return f"{max(it.began_ms, 0)} {it.reconnects} {it.up_ms} {it.known_ms}"
