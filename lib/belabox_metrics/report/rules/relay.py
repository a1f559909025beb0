"""The way to the relay, and what arrives there."""

from __future__ import annotations

from ..observation import INTERRUPTED, Observation, Seen
from ..wording import clock, listed
from .episodes import episodes, seen, whose
from .readings import at_most, bad, observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.events import Happened
    from ..recording import Recording

# Links that lose the relay within this have lost it at once: each waits four seconds for an answer, and asks once a
# second.
AT_ONCE_MS = 5_000
# By then srtla_send has said that no link is left, or that the relay answers over none.
SAID_MS = 30_000
_RELAYS = ("srt.relay", "srt.packet_loss")
# Two failures of its page that are further apart are two times.
PAGE_GAP_MS = 30_000
_REASONS = {
    "timeout": "the relay did not answer",
    "streamid_in_use": "the relay said that the stream id is in use",
    "streamid_invalid": "the relay did not know the stream id",
    "not_resolved": "the relay's name had no address",
    "no_socket": "it got no socket",
}


def relay_silent(recording: Recording) -> list[Observation]:
    """No answer over any link, though the links themselves can be sent over."""
    found: list[Observation] = []
    said = recording.named("all_links_down", "relay_unreachable")
    for event in said:
        if found and event.timestamp_ms <= found[-1].until_ms:
            continue
        silent = [
            down
            for down in recording.named("link_down")
            if down.tags.get("reason") == "no_answer" and 0 <= event.timestamp_ms - down.timestamp_ms <= SAID_MS
        ]
        links = {whose(down): down for down in silent if silent[-1].timestamp_ms - down.timestamp_ms <= AT_ONCE_MS}
        at_once = list(links.values()) if len(links) > 1 else []
        if at_once or event.name == "relay_unreachable":
            found.append(_silent(recording, [*at_once, event], said))
    return found


def _silent(recording: Recording, events: list[Happened], said: list[Happened]) -> Observation:
    first, last = events[0], events[-1]
    up = [event for event in recording.named("link_up", "srt_connected") if event.timestamp_ms > last.timestamp_ms]
    until_ms = up[0].timestamp_ms if up else recording.until_ms
    more = [event for event in said if last.timestamp_ms < event.timestamp_ms <= until_ms]
    what = "the relay answered over no link"
    if last.tags.get("reason") == "not_resolved":
        what = "the relay's name had no address"
    elif len(events) > 1:
        links = sorted({whose(event) for event in events[:-1]})
        what += f": {listed(links)} lost it at once"
    ended = [Seen(until_ms, f"event {up[0].name}", f"over at {clock(until_ms)}")] if up else []
    return Observation(
        first.timestamp_ms,
        until_ms,
        what,
        [*[seen(event) for event in [*events, *more][:6]], *ended],
        harm=INTERRUPTED,
        is_open=not up,
    )


def connection_lost(recording: Recording) -> list[Observation]:
    """`srt_lost` until `srt_connected`."""
    return [
        Observation(
            episode.since_ms,
            episode.until_ms,
            "the encoder lost its connection to the relay",
            episode.seen(),
            harm=INTERRUPTED,
            is_open=episode.is_open,
        )
        for episode in episodes(recording, ("srt_lost",), ("srt_connected",))
    ]


def connection_refused(recording: Recording) -> list[Observation]:
    """`srt_connect_failed` until `srt_connected`."""
    found = []
    for episode in episodes(recording, ("srt_connect_failed",), ("srt_connected",)):
        reason = _REASONS.get(episode.first.tags.get("reason", ""), "its log does not say why")
        found.append(
            Observation(
                episode.since_ms,
                episode.until_ms,
                f"the encoder could not connect ({reason})",
                episode.seen(),
                harm=INTERRUPTED,
                is_open=episode.is_open,
            )
        )
    return found


def not_arriving(recording: Recording) -> list[Observation]:
    """`srt.connected` 0."""
    series = recording.one("srt.connected")
    return [
        observed(
            series,
            spell,
            "the relay was without the stream",
            "which is no",
            above=False,
            harm=INTERRUPTED,
        )
        for spell in bad(recording, series, at_most(0.5))
        if series
    ]


def page_failed(recording: Recording) -> list[Observation]:
    """Collections of the relay's statistics that failed."""
    found: list[Observation] = []
    since_ms, until_ms = recording.steady_ms
    for failure in recording.course.failures:
        if failure.metric not in _RELAYS or not since_ms <= failure.at_ms <= until_ms:
            continue
        reading = Seen(failure.at_ms, f"run of {failure.metric}", failure.error)
        if found and failure.at_ms - found[-1].until_ms <= PAGE_GAP_MS:
            found[-1].until_ms = failure.at_ms
            found[-1].add(reading)
        else:
            what = "the relay's statistics could not be read"
            found.append(Observation(failure.at_ms, failure.at_ms, what, [reading]))
    return found
