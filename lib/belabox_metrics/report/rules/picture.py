"""The picture and the sound, from the input to the encoder."""

from __future__ import annotations

from ...quantity import shown
from ..observation import DEGRADED, INTERRUPTED, Observation
from ..series import median
from .episodes import episodes, seen
from .readings import at_least, at_most, bad, observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..recording import Recording

# Frames a second under which nothing is to be seen, as in the score of the stream.
STANDING_FPS = 5
# Of the usual rate.
FEW = 0.5
DROPPED_PERCENT = 1
# Underruns of the sound that are further apart are two times.
SOUND_GAP_MS = 30_000
_ELEMENTS = {"v4l2src": "the picture", "alsasrc": "the sound"}


def hdmi_lost(recording: Recording) -> list[Observation]:
    """`hdmi_signal_lost` until `hdmi_signal_locked`; without a journal, readings of the input."""
    unplugged = [
        (series, spell)
        for series in recording.all("hdmi.present")
        for spell in bad(recording, series, at_most(0.5))
        # One that was never there is a picture from elsewhere.
        if any(point.greatest > 0 for point in series.points)
    ]
    found = []
    for episode in episodes(recording, ("hdmi_signal_lost",), ("hdmi_signal_locked",)):
        readings = [
            seen
            for series, spell in unplugged
            if spell.since_ms <= episode.until_ms and spell.until_ms >= episode.since_ms
            for seen in observed(series, spell, "", "which is no", above=False).seen
        ]
        what = "the HDMI input lost its signal" + (", its source was unplugged" if readings else "")
        found.append(
            Observation(
                episode.since_ms,
                episode.until_ms,
                what,
                [*episode.seen(), *readings],
                harm=INTERRUPTED,
                is_open=episode.is_open,
            )
        )
    told = [(one.since_ms, one.until_ms) for one in found]
    for series, spell in unplugged:
        if all(spell.until_ms < since_ms or spell.since_ms > until_ms for since_ms, until_ms in told):
            what = "the HDMI source was unplugged"
            found.append(observed(series, spell, what, "which is no", above=False, harm=INTERRUPTED))
    return found


def capture_failed(recording: Recording) -> list[Observation]:
    """`capture_error` until the encoder is connected again."""
    found = []
    for episode in episodes(recording, ("capture_error",), ("srt_connected",)):
        element = episode.first.tags.get("element", "")
        what = next((what for name, what in _ELEMENTS.items() if element.startswith(name)), "the pipeline")
        found.append(
            Observation(
                episode.since_ms,
                episode.until_ms,
                f"the encoder gave up: {what} could not be captured" + (f" ({element})" if element else ""),
                episode.seen(),
                harm=INTERRUPTED,
                is_open=episode.is_open,
            )
        )
    return found


def encoder_stalled(recording: Recording) -> list[Observation]:
    """`pipeline_stall` until the encoder is connected again."""
    return [
        Observation(
            episode.since_ms,
            episode.until_ms,
            "the encoder stalled and gave up",
            episode.seen(),
            harm=INTERRUPTED,
            is_open=episode.is_open,
        )
        for episode in episodes(recording, ("pipeline_stall",), ("srt_connected",))
    ]


def few_frames(recording: Recording) -> list[Observation]:
    """Fewer frames than usual, or none."""
    series = recording.first("encoder.output_frame_rate_fps", "encoder.frame_rate_fps")
    if series is None:
        return []
    usual = median([point.mean for point in series.within(*recording.steady_ms) if point.mean > 0]) or 0
    if usual <= STANDING_FPS:
        return []
    found = []
    for spell in bad(recording, series, lambda point: point.mean < max(FEW * usual, STANDING_FPS)):
        least = min([point.mean for point in spell.points])
        is_none = least < STANDING_FPS
        said = "no picture was encoded" if least == 0 else f"only {shown(series.name, least)} were encoded"
        found.append(
            observed(
                series,
                spell,
                f"{said} (usually {shown(series.name, usual)})",
                f"under half of the usual {shown(series.name, usual)}",
                above=False,
                harm=INTERRUPTED if is_none else DEGRADED,
            )
        )
    return found


def frames_dropped(recording: Recording) -> list[Observation]:
    """Frames that were due and not encoded."""
    series = recording.one("encoder.frames_dropped_percent")
    return [
        observed(
            series,
            spell,
            f"the encoder dropped {shown(series.name, spell.greatest)} of the frames",
            f"{DROPPED_PERCENT} % or more",
            above=True,
            harm=DEGRADED,
        )
        for spell in bad(recording, series, at_least(DROPPED_PERCENT))
        if series
    ]


def sound_late(recording: Recording) -> list[Observation]:
    """`audio_underrun`, and captures that stopped because nobody fetched the sound."""
    found: list[Observation] = []
    for event in recording.named("audio_underrun"):
        if found and event.timestamp_ms - found[-1].until_ms <= SOUND_GAP_MS:
            found[-1].until_ms = event.timestamp_ms
            found[-1].add(seen(event))
        else:
            what = "the sound of the HDMI input came too late"
            found.append(Observation(event.timestamp_ms, event.timestamp_ms, what, [seen(event)]))
    for series in recording.all("audio.capture_overrun"):
        for spell in bad(recording, series, at_least(0.5)):
            what = "the capture of the sound stopped, as nobody fetched it"
            found.append(observed(series, spell, what, "an overrun", above=True))
    return found
