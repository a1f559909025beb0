"""Lines that say the same again and again, made into one event.

srtla_send repeats once a second that no link is up, a broken HDMI source makes the kernel say so ten times a second:
sixty events of that would bury the one that matters.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..event import Event
from ..sample import canonical
from ..source import unsigned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .finding import Finding

# While it goes on, it is told again this often, with the count.
AGAIN_MS = 60_000
# Things that go on at a time; of more the oldest are forgotten, and told again sooner than need be.
MOST = 64


class Repeats:
    """What goes on: key (name and tags) to [when it was last told (Unix time, ms), how often it was said since]."""

    def __init__(self) -> None:
        self._told: dict[str, list[int]] = {}
        self._events: dict[str, tuple[Event, str]] = {}  # of this run: their counts can still be written into them

    @classmethod
    def of(cls, state: str) -> Repeats:
        """Read back what `text` wrote; lines that another version left are passed over."""
        repeats = cls()
        for line in state.split("\n"):
            told, _, rest = line.partition(" ")
            count, _, key = rest.partition(" ")
            try:
                if key:
                    repeats._told[key] = [_number(told), _number(count)]
            except SourceProblem:
                continue
        return repeats

    def text(self, now_ms: int) -> str:
        """As part of a Reading's state, without what was not said for long."""
        going_on = [
            (key, told, count) for key, (told, count) in self._told.items() if abs(now_ms - told) <= 2 * AGAIN_MS
        ]
        return "\n".join([f"{told} {count} {key}" for key, told, count in going_on[-MOST:]])

    def event(self, finding: Finding, tags: dict[str, str], wall_ms: int) -> Event | None:
        """The event to tell, None when it was told less than AGAIN_MS ago; its text has the count then."""
        text = finding.text + self._over(finding.over, tags)
        if finding.single:
            return Event(finding.name, wall_ms, tags, finding.priority, text)
        key = finding.name + canonical(tags)
        told, count = self._told.get(key, (wall_ms, 0))
        age_ms = wall_ms - told
        if key in self._told and 0 <= age_ms < AGAIN_MS:
            self._told[key][1] += 1
            if key in self._events:
                event, said = self._events[key]
                event.text = f"{said} ({count + 2} times)"
            return None
        if count and age_ms >= 0:
            text = f"{text} (still; {count + 1} times in {age_ms // 1000} s)"
        # At the end, as the one told last.
        self._told.pop(key, None)
        self._told[key] = [wall_ms, 0]
        event = Event(finding.name, wall_ms, tags, finding.priority, text)
        self._events[key] = event, text
        return event

    def _over(self, names: tuple[str, ...], tags: dict[str, str]) -> str:
        """Forget what is over, of a link or a device only its own; how often that had been said."""
        said = ""
        for key in list(self._told):
            name, _, of = key.partition("{")
            if name not in names:
                continue
            own = [tag for tag in ("interface", "link") if f'"{tag}":' in of]
            if all(canonical({tag: tags.get(tag, "")})[1:-1] in of for tag in own):
                count = self._told.pop(key)[1]
                self._events.pop(key, None)
                said += f", after {name} was said {count + 1} times" if count else ""
        return said


def _number(word: str) -> int:
    return unsigned(word, "state", 0, "number")
