"""`srt.relay`: all that a relay tells of the stream it receives, and what follows from two of its answers.

Grown from `srt.packet_loss`, whose series it gives by the same names. So the two are one metric in two sizes: while
this one has a timer the other has none, and the relay is asked once. Formats: `belabox_metrics/srt/relay.py`.
"""

from __future__ import annotations

from ..errors import NoData
from ..http_get import Url, get
from ..sample import Sample
from ..source import unsigned
from ..srt import arrival, relay
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..srt.fields import Number
    from ..world import Settings, World

METRIC = "srt.relay"
PRIORITY = 1
SETTINGS: Settings = {
    "url": ("url", ""),
    # For the whole answer of the relay, and for finding its address: less than the usual interval.
    "timeout": ("duration", 3000),
}
TAKES_THE_PLACE_OF = "srt.packet_loss"


def not_scheduled(settings: dict[str, object]) -> str:
    """Why there is nothing to collect, "" when there is."""
    return "" if settings.get("url") else "no url is configured"


def collect(world: World) -> Reading:
    """`srt.connected` (1 or 0; a relay without our stream is an answer, not a failure), `srt.reconnects_total`, and
    with a stream `srt.relay_info` (tag `kind`), what `relay.SERIES` and `relay.VIEWERS` list, `srt.packet_loss_percent`
    and the shares of `arrival.shares`.

    Raises NoData without a url, TryLater for a relay that can't be reached now, SourceProblem for one that answers
    something else, ConfigProblem for a url that is none."""
    if silent := not_scheduled(world.settings):
        raise NoData(silent)
    memory = Memory.of(world.state)
    url = Url(world.text("url"))
    now = relay.parse(get(url, world.number("timeout")), url.host)
    if now is not None:
        now[relay.LATE] = world.running_ms()
    elapsed_ms = world.elapsed_ms or 0
    before = memory.follow(now, elapsed_ms)
    samples = [*relay.collect(now), Sample("srt.reconnects_total", memory.reconnects)]
    if now is not None:
        samples.append(Sample("srt.relay_info", 1, {"kind": relay.kind(now)}))
        samples += relay.viewers(now)
        percent = relay.loss_percent(before, now, elapsed_ms)
        if percent is not None:
            samples.append(Sample("srt.packet_loss_percent", percent))
        samples += arrival.shares(before, now, elapsed_ms)
    return Reading(samples, memory.text())


class Memory:
    """What the next run needs: the marks of the `last` reading, whether there was a stream in it (`connected`), whether
    there ever was one (`known`), and how often it came back (`reconnects`)."""

    __slots__ = ("connected", "known", "last", "reconnects")

    def __init__(self) -> None:
        self.last = ""
        self.connected = False
        self.known = False
        self.reconnects = 0

    @classmethod
    def of(cls, state: str) -> Memory:
        """Read back what `text` wrote; what another version left is as good as nothing."""
        memory = cls()
        head, line, last = state.partition("\n")
        words = head.split(" ")
        if line and len(words) == 3 and words[2].isdecimal():
            memory.connected, memory.known = words[0] == "1", words[1] == "1"
            memory.reconnects = unsigned(words[2], "state", 1, "reconnects") if len(words[2]) < 16 else 0
            memory.last = last
        return memory

    def follow(self, now: dict[str, Number] | None, elapsed_ms: int) -> dict[str, Number]:
        """Bring it up to date, `elapsed_ms` later; the reading before, of the same connection, empty where there is
        none."""
        before = relay.marked(self.last, arrival.MARKED)
        again = now is not None and relay.is_another(before, now, elapsed_ms)
        if now is not None and self.known and (again or not self.connected):
            self.reconnects += 1
        self.connected = now is not None
        self.known = self.known or self.connected
        self.last = "" if now is None else relay.mark(now, arrival.MARKED)
        return {} if again else before

    def text(self) -> str:
        """As the state of a Reading."""
        return f"{int(self.connected)} {int(self.known)} {self.reconnects}\n{self.last}"
