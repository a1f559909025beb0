"""From an event that begins something to the one that ends it."""

from __future__ import annotations

from ..observation import Seen
from ..wording import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.events import Happened
    from ..recording import Recording

# Tags that tell of which link or device an event is.
_WHOSE = ("interface", "link")


class Episode:
    """events: those that said it began, oldest first; until_ms: when another said that it is over, or when the session
    ended (`is_open`)."""

    __slots__ = ("events", "is_open", "until_ms")

    def __init__(self, first: Happened, until_ms: int) -> None:
        self.events = [first]
        self.until_ms = until_ms
        self.is_open = True

    @property
    def first(self) -> Happened:
        return self.events[0]

    @property
    def since_ms(self) -> int:
        return self.first.timestamp_ms

    def seen(self) -> list[Seen]:
        return [seen(event) for event in self.events] + (
            [] if self.is_open else [Seen(self.until_ms, "event", f"over at {clock(self.until_ms)}")]
        )


def seen(event: Happened) -> Seen:
    """An event as what a rule went by."""
    tags = " ".join(f"{key}={text}" for key, text in event.tags.items())
    return Seen(event.timestamp_ms, f"event {event.name}", " ".join(part for part in (tags, event.text) if part))


def whose(event: Happened) -> str:
    """The link or device that the event is of, "" for none."""
    return next((event.tags[tag] for tag in _WHOSE if tag in event.tags), "")


def episodes(recording: Recording, begins: tuple[str, ...], ends: tuple[str, ...]) -> list[Episode]:
    """Of each link or device its own; an event that names none ends all. What begins again before it ended is one."""
    found: list[Episode] = []
    going_on: dict[str, Episode] = {}
    for event in recording.named(*begins, *ends):
        key = whose(event)
        if event.name in ends:
            for other in [key] if key else list(going_on):
                episode = going_on.pop(other, None)
                if episode:
                    episode.until_ms, episode.is_open = event.timestamp_ms, False
        elif key in going_on:
            going_on[key].events.append(event)
        else:
            going_on[key] = Episode(event, recording.until_ms)
            found.append(going_on[key])
    return found
