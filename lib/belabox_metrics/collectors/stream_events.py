"""`stream.events`: what the journal tells of the stream: links, SRT, capture, HDMI, modems, memory, heat.

Reads the entries of `belaUI.service` and of the kernel since the last run; which lines mean what is in
`belabox_metrics/stream/belaui.py` and `kernel.py`. A run of its own beside `stream.session`: it needs the right to read
the journal, and a journal that can't be read must not hide that a stream is live.
"""

from __future__ import annotations

from time import monotonic

from ..errors import SourceProblem
from ..sample import Sample
from ..source import unsigned
from ..stream import belaui, kernel, links
from ..stream.log import Log
from ..stream.repeats import Repeats
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..event import Event
    from ..stream.finding import Finding
    from ..world import Settings, World

METRIC = "stream.events"
PRIORITY = 2
SETTINGS: Settings = {}
# The end of the last boot is what one wants to know most.
OUTLIVES_BOOT = True

# What a run reads is bounded; the next one goes on from there.
SECONDS = 5.0
EVENTS = 100
# Stopping a stream takes the connection down first: what is said then is no failure.
STOPPING_MS = 15_000
_EXPECTED = (
    "all_links_down",
    "capture_error",
    "link_down",
    "pipeline_stall",
    "relay_unreachable",
    "srt_connect_failed",
    "srt_lost",
)


class Memory:
    """`cursor` into the journal; `stopped_ms`: when a stop was last asked for (Unix time); `interfaces` by address, as
    one that is gone can't be asked any more; `repeats`."""

    __slots__ = ("cursor", "interfaces", "repeats", "stopped_ms")

    def __init__(self, state: str) -> None:
        self.cursor, _, rest = state.partition("\n")
        stopped, _, rest = rest.partition("\n")
        known, _, rest = rest.partition("\n")
        try:
            self.stopped_ms = unsigned(stopped, "state", 0, "number")
        except SourceProblem:
            self.stopped_ms = 0
        pairs = [pair.partition("=") for pair in known.split(" ")]
        self.interfaces = {address: name for address, equals, name in pairs if equals}
        self.repeats = Repeats.of(rest)

    def text(self, now_ms: int) -> str:
        """As the state of a Reading."""
        known = " ".join([f"{address}={name}" for address, name in list(self.interfaces.items())[-links.MOST :]])
        return "\n".join([self.cursor, str(self.stopped_ms), known, self.repeats.text(now_ms)])


def collect(world: World) -> Reading:
    """`stream.journal_lines`, how many were read, and an event for each thing that happened, at the time of its line.

    Priority 0: `all_links_down`, `relay_unreachable`, `srt_lost`, `pipeline_stall`, `capture_error`, `oom_kill`,
    `thermal_trip`. Priority 1: `link_up`, `link_down` (tag `interface`; `link`, the address, where that is not known),
    `srt_connected`, `srt_connect_failed`, `start_requested`, `stop_requested`, `hdmi_signal_lost`,
    `hdmi_signal_locked`, `audio_underrun`, `modem_gone`, `modem_found`, `usb_disconnected`.

    Warns when more was written than the journal keeps. Raises NoData without a journal, SourceProblem."""
    until = monotonic() + SECONDS
    now_ms = world.wall_ms()
    memory = Memory(world.state)
    log = Log(world.root, memory.cursor, now_ms)
    events: list[Event] = []
    registered: set[str] = set()
    count = 0
    for line in log.lines():
        count += 1
        found = kernel.finding(line.text) if line.kernel else belaui.finding(line.text)
        event = None
        if found and _is_told(found, registered, events):
            event = _event(world.root, memory, found, line.wall_ms)
        if event:
            events.append(event)
        if len(events) >= EVENTS or monotonic() > until:
            break
    memory.cursor = log.cursor
    warnings = ["the journal was rotated before it could be read"] if log.rotated else []
    samples = [Sample("stream.journal_lines", count)]
    return Reading(samples, memory.text(now_ms), warnings, events)


def _is_told(found: Finding, registered: set[str], events: list[Event]) -> bool:
    """The kernel registers a network adapter on USB by one name, and udev mostly gives it another within the tenth of a
    second: that alone is told. Other adapters are renamed too, and are no news.

    `registered`: the names of those that this run has found."""
    if found.name != "modem_found":
        return True
    if found.formerly:
        if found.formerly not in registered:
            return False
        registered.discard(found.formerly)
        former = {"interface": found.formerly}
        events[:] = [event for event in events if event.name != found.name or event.tags != former]
    registered.add(found.tags["interface"])
    return True


def _event(root: str, memory: Memory, found: Finding, wall_ms: int) -> Event | None:
    """None for what is expected, and for what was told already."""
    if found.name == "stop_requested":
        memory.stopped_ms = wall_ms
    elif found.name in ("start_requested", "srt_connected"):
        memory.stopped_ms = 0
    elif found.name in _EXPECTED and 0 <= wall_ms - memory.stopped_ms < STOPPING_MS:
        return None
    tags = found.tags
    if found.address:
        tags = {**tags, **_link(root, memory, found.address)}
    return memory.repeats.event(found, tags, wall_ms)


def _link(root: str, memory: Memory, address: str) -> dict[str, str]:
    """The tag that names a link. Its address changes with each attachment of a modem, its interface hardly ever."""
    now = links.interfaces(root, [address])
    if address in now:
        memory.interfaces.pop(address, None)
        memory.interfaces[address] = now[address]
    name = memory.interfaces.get(address)
    return {"interface": name} if name else {"link": address}
