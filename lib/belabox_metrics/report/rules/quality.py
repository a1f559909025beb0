"""How well the stream came over: bitrate, loss, delay, and encoders that had to be started anew."""

from __future__ import annotations

from ...quantity import shown
from ..observation import DEGRADED, INTERRUPTED, Observation, Seen
from ..series import median
from ..wording import times
from .readings import at_least, bad, observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..recording import Recording
    from ..series import Series

# Of the usual bitrate; less than the second for once is enough.
LOW, COLLAPSED = 0.5, 0.2
USUAL_KBPS = 100
# Where the requirements call them critical, and two readings of it.
LOSS_PERCENT, RTT_MS = 5, 500
# What comes too late is not seen at all.
DROP_PERCENT = 2
LEAST = 2


def bitrate_of(recording: Recording) -> Series | None:
    """What arrives, else what the encoder gives, else what the links send."""
    return recording.first("srt.bitrate_kbps", "encoder.output_bitrate_kbps", "stream.bitrate_kbps")


def usual_kbps(recording: Recording) -> float:
    """The median of the session, 0 where it is not known."""
    series = bitrate_of(recording)
    if series is None:
        return 0.0
    return median([point.mean for point in series.within(*recording.steady_ms) if point.mean > 0]) or 0.0


def bitrate_low(recording: Recording) -> list[Observation]:
    """Less than half of the usual bitrate twice, or less than a fifth once."""
    series, usual = bitrate_of(recording), usual_kbps(recording)
    if series is None or usual < USUAL_KBPS:
        return []
    found = []
    for spell in bad(recording, series, lambda point: point.mean < LOW * usual):
        least = min([point.mean for point in spell.points])
        if len(spell) < LEAST and least >= COLLAPSED * usual:
            continue
        said = "collapsed" if least < COLLAPSED * usual else "fell"
        what = f"the bitrate {said} to {shown(series.name, least)} (usually {shown(series.name, usual)})"
        limit = f"under half of the usual {shown(series.name, usual)}"
        found.append(observed(series, spell, what, limit, above=False, harm=DEGRADED))
    return found


def loss(recording: Recording) -> list[Observation]:
    series = recording.one("srt.packet_loss_percent")
    return [
        observed(
            series,
            spell,
            f"packet loss rose to {shown(series.name, spell.greatest)}",
            f"{LOSS_PERCENT} % or more",
            above=True,
            harm=DEGRADED,
        )
        for spell in bad(recording, series, at_least(LOSS_PERCENT), least=LEAST)
        if series
    ]


def drops(recording: Recording) -> list[Observation]:
    series = recording.one("srt.drop_percent")
    return [
        observed(
            series,
            spell,
            f"{shown(series.name, spell.greatest)} came too late to be shown",
            f"{DROP_PERCENT} % or more",
            above=True,
            harm=DEGRADED,
        )
        for spell in bad(recording, series, at_least(DROP_PERCENT))
        if series
    ]


def round_trip(recording: Recording) -> list[Observation]:
    series = recording.one("srt.rtt_ms")
    return [
        observed(
            series,
            spell,
            f"the round trip rose to {shown(series.name, spell.greatest)}",
            f"{RTT_MS} ms or more",
            above=True,
            harm=DEGRADED,
        )
        for spell in bad(recording, series, at_least(RTT_MS), least=LEAST)
        if series
    ]


def restarted(recording: Recording) -> list[Observation]:
    """`stream.reconnects_total` grew."""
    series = recording.one("stream.reconnects_total")
    points = series.within(recording.since_ms, recording.until_ms) if series else []
    found = []
    for before, now in zip(points, points[1:]):
        count = int(now.last - before.last)
        if count > 0 and series:
            again = "" if count == 1 else f" {times(count)}"
            seen = [
                Seen(before.timestamp_ms, series.name, f"{before.last:.0f}"),
                Seen(now.timestamp_ms, series.name, f"{now.last:.0f}"),
            ]
            what = f"the encoder was started anew{again}"
            slack_ms = now.timestamp_ms - before.timestamp_ms
            at_ms = now.timestamp_ms
            found.append(Observation(at_ms, at_ms, what, seen, harm=INTERRUPTED, slack_ms=slack_ms))
    return found
