"""The charts of a report, all on the time of the session, with the incidents in each."""

from __future__ import annotations

from ..chart.chart import Chart, Line, Mark, Span, Window
from .account import title
from .incident import Incident
from .observation import NOTE
from .recording import SHORTEST_MS
from .series import thinned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .recording import Recording
    from .series import Series

# Points of a line: more than a page has pixels for each are of no use.
MOST_POINTS = 480
# Lines of a chart; of more nobody could tell one from the other.
MOST_LINES = 6
# Numbers above the plot; more would lie upon each other.
MOST_MARKS = 40
MOST_EVENTS = 120

# Title, series, tag by which lines are named, least and most of the axis, is_step.
_CHARTS: tuple[tuple[str, tuple[tuple[str, str], ...], str, float | None, float | None, bool], ...] = (
    (
        "Bitrate",
        (("srt.bitrate_kbps", "arrived"), ("encoder.output_bitrate_kbps", "encoded"), ("stream.bitrate_kbps", "sent")),
        "",
        0,
        None,
        False,
    ),
    ("Links", (("stream.link_bitrate_kbps", ""),), "interface", 0, None, False),
    (
        "Loss",
        (
            ("srt.packet_loss_percent", "lost"),
            ("srt.drop_percent", "too late"),
            ("srt.retransmit_percent", "repeated"),
        ),
        "",
        0,
        1,
        False,
    ),
    (
        "Round trip",
        (("srt.rtt_ms", "bond"), ("stream.link_rtt_ms", ""), ("srt.link_rtt_ms", "")),
        "link",
        0,
        None,
        False,
    ),
    (
        "Frames",
        (("encoder.frame_rate_fps", "by the hardware"), ("encoder.output_frame_rate_fps", "by ffmpeg")),
        "",
        0,
        None,
        False,
    ),
    ("Score", (("stream.health_score", "score"),), "", 0, 100, False),
    ("Temperature", (("cpu.temperature", "hottest zone"),), "", None, None, False),
    ("Throttling", (("thermal.throttle_percent", ""),), "device", 0, 100, True),
    ("Processor", (("cpu.usage_percent", "all cores"),), "core", 0, 100, False),
    ("Memory left", (("memory.available_bytes", "available"),), "", 0, None, False),
    ("Signal", (("modem.rsrp_dbm", ""),), "modem", None, None, False),
)


def window(recording: Recording) -> Window:
    return Window(recording.since_ms, recording.until_ms)


def charts(recording: Recording, found: list[Incident]) -> list[Chart]:
    """Those with a number in them. An incident is a numbered mark and, as long as it lasted, a shade."""
    step_ms = max(recording.step_ms, _step(recording.until_ms - recording.since_ms))
    marks = [
        Mark(one.onset_ms, f"{number}: {title(one)}", one.kind != NOTE, str(number))
        for number, one in enumerate(found[:MOST_MARKS], 1)
    ]
    # Those that say how an incident was over, or nothing of one, are seen as well.
    events = [
        Mark(event.timestamp_ms, " ".join([event.name, *event.tags.values()]))
        for event in recording.events[:MOST_EVENTS]
        if recording.since_ms <= event.timestamp_ms <= recording.until_ms
    ]
    spans = [Span(one.since_ms, one.until_ms, title(one)) for one in found[:MOST_MARKS]]
    made = []
    for heading, of, tag, least, most, is_step in _CHARTS:
        lines = [line for name, label in of for line in _lines(recording, name, label, tag, step_ms, is_step)]
        if lines:
            height = 96 if heading in ("Bitrate", "Links") else 72
            more = f", {len(lines) - MOST_LINES} more lines are in the raw numbers" if len(lines) > MOST_LINES else ""
            made.append(
                Chart(
                    heading + more,
                    of[0][0],
                    lines[:MOST_LINES],
                    marks=[*events, *marks] if heading == "Bitrate" else marks,
                    spans=spans,
                    least=least,
                    most=most,
                    height=height,
                )
            )
    return made


def _lines(recording: Recording, name: str, label: str, tag: str, step_ms: int, is_step: bool) -> list[Line]:
    found = []
    for series in recording.all(name):
        # All cores together tell enough.
        if series.tags.get("core", "all") != "all":
            continue
        points = series.within(recording.since_ms, recording.until_ms)
        points = thinned(points, step_ms) if len(points) > MOST_POINTS else points
        if points and not (tag == "device" and not any(point.greatest for point in points)):
            gap_ms = max(round(2.5 * series.interval_ms), 2 * step_ms)
            found.append(Line(label or _named(recording, series, tag), points, gap_ms, is_step))
    return found


def _named(recording: Recording, series: Series, tag: str) -> str:
    """A modem by its interface, as the links are."""
    value = series.tags.get(tag, "")
    if tag != "modem":
        return value
    known = recording.one("modem.info", modem=value)
    technology = series.tags.get("technology", "")
    name = (known.tags.get("interface", "") if known else "") or value
    return f"{name} {technology}".strip()


def _step(length_ms: int) -> int:
    """Round, so that points of one series fall upon those of another."""
    step_ms = SHORTEST_MS
    while length_ms / step_ms > MOST_POINTS:
        step_ms += SHORTEST_MS
    return step_ms
