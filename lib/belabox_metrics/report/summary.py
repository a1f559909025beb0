"""The stream in a few lines: when, how long, how it ended, how it was set up, what was lost, and its usual numbers."""

from __future__ import annotations

from ..quantity import shown
from ..stream.session import ACTIVE, COMPLETED, FAILED
from .incident import Incident, lost_ms
from .observation import DEGRADED, FAULT, INTERRUPTED
from .recording import LONGEST_MS
from .rules import quality
from .series import median
from .wording import date, length, listed, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .recording import Recording

_ENDED = {
    ACTIVE: "It is live.",
    COMPLETED: "It was stopped.",
    FAILED: "It failed: it was cut off, or did not arrive when it ended.",
}
# What of the setup may be shown; whatever else may be in it some day is not.
_SETUP = {
    "relay": "relay",
    "pipeline": "pipeline",
    "video_source": "source of the picture",
    "video_encoder": "encoder",
    "latency_ms": "latency",
    "delay_ms": "delay of the sound",
    "bitrate_min_bps": "lowest bitrate",
    "bitrate_max_bps": "highest bitrate",
}


class Line:
    """One line of the summary: what, and its value in words."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value


def verdict(recording: Recording, found: list[Incident]) -> str:
    """The whole of it in a sentence or two."""
    lasted = length(recording.until_ms - recording.session.start_ms)
    harmful = [one for one in found if one.harm(INTERRUPTED) or one.harm(DEGRADED)]
    faults = [one for one in harmful if one.kind == FAULT]
    start = f"A stream of {lasted}. {_ENDED.get(recording.session.status, '')}".strip()
    if not found:
        return f"{start} Nothing stood out in what was recorded."
    interrupted, degraded = lost_ms(found), lost_ms(found, DEGRADED)
    said = []
    if interrupted:
        said.append(f"interrupted for {length(interrupted)}")
    if degraded:
        said.append(f"worse than usual for {length(degraded)}")
    if not harmful:
        if len(found) == 1:
            return f"{start} One thing stood out, which is not known to have harmed it."
        return f"{start} {len(found)} things stood out, none of which is known to have harmed it."
    count = f"{len(harmful)} incident{'' if len(harmful) == 1 else 's'}"
    known = f", {len(faults)} of them with a fault that was recorded" if 0 < len(faults) < len(harmful) else ""
    return f"{start} It was {' and '.join(said) or 'disturbed'}, in {count}{known}."


def lines(recording: Recording, found: list[Incident]) -> list[Line]:
    """The rest, each a name and a value; what is not known is left out."""
    session = recording.session
    told = [
        Line("began", date(session.start_ms)),
        Line("ended", date(session.end_ms) if session.end_ms is not None else "live"),
        Line("lasted", length(recording.until_ms - session.start_ms)),
        Line("status", session.status),
    ]
    if recording.is_cut:
        told.append(Line("reported", f"its last {length(LONGEST_MS)}"))
    told += [Line("interrupted", length(lost_ms(found))), Line("worse than usual", length(lost_ms(found, DEGRADED)))]
    restarts = recording.one("stream.reconnects_total")
    if restarts and restarts.points:
        told.append(Line("encoder started anew", times(round(max([point.greatest for point in restarts.points])))))
    told += [*_usual(recording), *_setup(session.metadata)]
    return told


def _usual(recording: Recording) -> list[Line]:
    found = []
    usual = quality.usual_kbps(recording)
    series = quality.bitrate_of(recording)
    if usual and series:
        found.append(Line("usual bitrate", shown(series.name, usual)))
    for name, label in (("srt.packet_loss_percent", "usual loss"), ("srt.rtt_ms", "usual round trip")):
        known = recording.one(name)
        middle = median([point.mean for point in known.within(*recording.steady_ms)]) if known else None
        if middle is not None:
            found.append(Line(label, shown(name, middle)))
    heat, score = recording.one("cpu.temperature"), recording.one("stream.health_score")
    if heat and (points := heat.within(*recording.steady_ms)):
        found.append(Line("hottest", shown(heat.name, max([point.greatest for point in points]))))
    if score and (points := score.within(*recording.steady_ms)):
        found.append(Line("lowest score", shown(score.name, min([point.least for point in points]))))
    up = recording.one("stream.reliability_percent")
    if up and (points := up.within(recording.since_ms, recording.until_ms)):
        found.append(Line("up", shown("stream.reliability_percent", points[-1].last)))
    links = [
        f"{series.tags.get('interface', 'a link')} {shown(series.name, middle)}"
        for series in recording.all("stream.link_bitrate_kbps")
        if (middle := median([point.mean for point in series.within(*recording.steady_ms)])) is not None
    ]
    if links:
        found.append(Line("usual of each link", listed(links, 8)))
    return found


def _setup(metadata: dict[str, object]) -> list[Line]:
    found = []
    for key, label in _SETUP.items():
        value = metadata.get(key)
        if isinstance(value, (str, int)):
            found.append(Line(label, shown(key, value)))
    return found
