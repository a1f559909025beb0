"""The curves: the stream since it began, and the last hour of stream and box.

Numbers of hours are read for them, so they are kept for a while: the longer, the longer they took to make. What a
viewer costs the box is bounded by that, and not by how long a stream is.
"""

from __future__ import annotations

import time

from ..chart.chart import Chart, Line, Mark, Window
from ..chart.drawing import drawn
from ..store import history
from ..store.tags import tags_of
from .pieces import card, said
from .words import lasting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection
    from typing import Union

    from ..store.history import Point, Series
    from .view import View

    # title; the series of which the first that was measured is drawn; what the axis shows at any rate
    Drawn = tuple[str, tuple[str, ...], Union[float, None]]

HOUR_MS = 3_600_000
# What a plot shows of a box that is younger than that: a few values of the slowest metric that is drawn.
SHORTEST_MS = 180_000
# Of a stream that is longer only the end is drawn.
LONGEST_MS = 12 * HOUR_MS
# Points of a line: as many as a telephone has room for.
POINTS = 90
STEPS_MS = (10_000, 30_000, 60_000, 120_000, 300_000, 600_000)
# Links that are drawn; a bond has a handful.
LINKS = 4
# They are made anew when this many times what they took has passed, and never sooner than after KEPT_S.
REST = 25
KEPT_S = 5.0
# Marks in a plot: more would be a fence.
MARKS = 20

_STREAM = (
    ("Bitrate", ("srt.bitrate_kbps", "stream.bitrate_kbps", "encoder.output_bitrate_kbps"), None),
    ("Round trip", ("srt.rtt_ms",), None),
    ("Packet loss", ("srt.packet_loss_percent",), 1.0),
)
_BOX = (
    ("Temperature", ("cpu.temperature",), None),
    ("Processor", ("cpu.usage_percent",), 100.0),
    ("Memory", ("memory.used_bytes",), None),
)
_LABELS = {
    "srt.bitrate_kbps": "at the relay",
    "stream.bitrate_kbps": "all links",
    "encoder.output_bitrate_kbps": "encoder",
    "srt.rtt_ms": "to the relay",
    "srt.packet_loss_percent": "on the way",
    "cpu.temperature": "hottest zone",
    "cpu.usage_percent": "all cores",
    "memory.used_bytes": "used",
}
_LINK = "stream.link_bitrate_kbps"
_ALL_CORES = '{"core":"all"}'


class Plots:
    """Kept between pages of one process."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._live = ""
        self._until = 0.0

    def html(self, connection: Connection, view: View) -> list[str]:
        """A piece of HTML for each group of plots that there is: of the live stream, of the last hour."""
        live = view.live.id if view.live else ""
        started = time.monotonic()
        if started >= self._until or live != self._live:
            self._kept = _groups(connection, view)
            self._live = live
            took = time.monotonic() - started
            self._until = time.monotonic() + max(KEPT_S, REST * took)
        return self._kept


def _groups(connection: Connection, view: View) -> list[str]:
    now_ms = view.now.wall_ms
    groups = []
    if view.live is not None:
        since_ms = max(view.live.start_ms, now_ms - LONGEST_MS)
        title = "This stream" if since_ms == view.live.start_ms else "This stream, its last 12 hours"
        groups.append(_group(title, "session", connection, view, Window(since_ms, now_ms), _STREAM))
    hour = _last_hour(view)
    title = "The last hour"
    if hour.since_ms > now_ms - HOUR_MS:
        title = f"The last {lasting(now_ms - hour.since_ms)}, since the record begins"
    groups.append(_group(title, "hour", connection, view, hour, _BOX if view.live else _STREAM + _BOX))
    return groups


def _last_hour(view: View) -> Window:
    """Of a new box what there is of it, or its curves would be squashed at the right of an empty plot."""
    now_ms = view.now.wall_ms
    since_ms = now_ms - HOUR_MS
    if view.began_ms is not None:
        since_ms = max(since_ms, min(view.began_ms, now_ms - SHORTEST_MS))
    return Window(since_ms, now_ms)


def _group(title: str, name: str, connection: Connection, view: View, window: Window, charts: Sequence[Drawn]) -> str:
    step_ms = _step_ms(window)
    wanted = tuple(series for _, names, _ in charts for series in names)
    if "stream.bitrate_kbps" in wanted:
        wanted += (_LINK,)
    # From the beginning of a step, or its first point would be of a part of it.
    since_ms = window.since_ms - window.since_ms % step_ms
    found = history.points(connection, wanted, since_ms, window.until_ms, step_ms)
    marks = [
        Mark(event.timestamp_ms, event.name.replace("_", " "), event.priority == 0)
        for event in view.happened
        if event.priority <= 1 and event.timestamp_ms >= window.since_ms
    ][:MARKS]
    figures, missing = [], []
    for label, names, most in charts:
        lines = _lines(found, names, step_ms)
        if "stream.bitrate_kbps" in names:
            lines += _links(found, step_ms)
        least = None if label == "Temperature" else 0
        if lines:
            figures.append(drawn(Chart(label, names[0], lines, marks=marks, least=least, most=most), window))
        else:
            missing.append(label.lower())
    plots = f'<div class="plots">{"".join(figures)}</div>' if figures else ""
    absent = said(f"No numbers were recorded of: {', '.join(missing)}.") if missing else ""
    return card(name, title, plots + absent, "wide")


def _step_ms(window: Window) -> int:
    length_ms = window.until_ms - window.since_ms
    return next((step for step in STEPS_MS if length_ms / step <= POINTS), STEPS_MS[-1])


def _lines(found: dict[Series, list[Point]], names: tuple[str, ...], step_ms: int) -> list[Line]:
    """Of several names the first that was measured."""
    for name in names:
        points = found.get((name, _ALL_CORES if name == "cpu.usage_percent" else ""))
        if points:
            return [Line(_LABELS[name], points, _gap_ms(step_ms))]
    return []


def _links(found: dict[Series, list[Point]], step_ms: int) -> list[Line]:
    links = [(tags_of(tags).get("interface", ""), points) for (name, tags), points in found.items() if name == _LINK]
    links.sort(key=lambda link: -sum([point.total for point in link[1]]))
    return [Line(label or "a link", points, _gap_ms(step_ms)) for label, points in links[:LINKS]]


def _gap_ms(step_ms: int) -> int:
    """The slowest metric that is drawn is collected every half minute."""
    return 2 * max(step_ms, 30_000) + 5_000
