"""What is to be known of the record itself, and alerts of the configuration."""

from __future__ import annotations

from ..observation import Observation, Seen
from ..wording import clock, length
from .episodes import seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..recording import Recording


def clock_set(recording: Recording) -> list[Observation]:
    """The wall clock was set while the session lasted."""
    found = []
    for jump in recording.course.jumps:
        way = "forward" if jump.by_ms > 0 else "back"
        what = f"the clock of the box was set {way} by {length(abs(jump.by_ms))}; before it, times are the old ones"
        evidence = Seen(jump.at_ms, "runs", "wall clock and time since boot went apart")
        found.append(Observation(jump.at_ms, jump.at_ms, what, [evidence]))
    return found


def not_recorded(recording: Recording) -> list[Observation]:
    """No run of anything for a minute, in one boot."""
    return [
        Observation(
            since_ms,
            until_ms,
            f"nothing was recorded for {length(until_ms - since_ms)}",
            [Seen(since_ms, "runs", "the last one before"), Seen(until_ms, "runs", "the first one after")],
        )
        for since_ms, until_ms in recording.course.quiet
        if until_ms >= recording.since_ms and since_ms <= recording.until_ms
    ]


def alert(recording: Recording) -> list[Observation]:
    """`alert_raised` until `alert_cleared`."""
    found: list[Observation] = []
    going_on: dict[str, Observation] = {}
    for event in recording.named("alert_raised", "alert_cleared"):
        name = event.tags.get("alert", "")
        if event.name == "alert_raised" and name not in going_on:
            what = f"the alert {name} was raised ({event.text})"
            going_on[name] = Observation(
                event.timestamp_ms, recording.until_ms, what, [seen(event)], subject=name, is_open=True
            )
            going_on[name].family = f"alert {name}"
            found.append(going_on[name])
        elif event.name == "alert_cleared" and name in going_on:
            over = going_on.pop(name)
            over.until_ms, over.is_open = event.timestamp_ms, False
            over.add(Seen(event.timestamp_ms, "event alert_cleared", f"over at {clock(event.timestamp_ms)}"))
    return found
