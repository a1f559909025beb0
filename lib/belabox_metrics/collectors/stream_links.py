"""`stream.links`: what each bonded link carries while a stream is live.

A stock BELABOX tells nothing of its links, so what an interface sent (`/sys/class/net/*/statistics`) stands for what
its link carried; other traffic of the box is in it too. Where a sender writes statistics
(`belabox_metrics/srt/srtla_telemetry.py`), these come along.
"""

from __future__ import annotations

from ..errors import ConfigProblem, NoData, Problem, SourceProblem
from ..sample import Sample
from ..source import read_tail, read_text, unsigned
from ..stream import links, processes, setup
from ..stream.processes import BONDER, Process
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "stream.links"
PRIORITY = 1
SETTINGS: Settings = {
    # The statistics page of the relay, as in srt.packet_loss: with it, how much of what was sent has arrived.
    "url": ("url", ""),
    "timeout": ("duration", 3000),
    "telemetry": ("path", "/tmp/srtla-send-stats-9000.json"),  # noqa: S108 - the sender's name for it
    "stale_after": ("duration", 15_000),
}

# kbit/s. A link that carries nothing still sends a few packets a second to stay known to the relay.
ACTIVE = 10
_TELEMETRY = 64 * 1024
_OF_LINKS = (
    "srt.link_rtt_ms",
    "srt.link_naks_total",
    "srt.link_weight_percent",
    "srt.link_window_packets",
    "srt.link_in_flight_packets",
)


class Memory:
    """`bonder`: the process; `sent`: bytes by interface; `missing`: what was said about the relay."""

    __slots__ = ("bonder", "missing", "sent")

    def __init__(self) -> None:
        self.bonder: Process | None = None
        self.sent: dict[str, int] = {}
        self.missing = ""

    @classmethod
    def of(cls, state: str) -> Memory:
        memory = cls()
        head, _, rest = state.partition("\n")
        memory.missing, _, rest = rest.partition("\n")
        try:
            pid, _, started = head.partition(" ")
            memory.bonder = Process(_number(pid), _number(started))
            for line in rest.split("\n") if rest else []:
                name, _, sent = line.rpartition(" ")
                memory.sent[name] = _number(sent)
        except SourceProblem:
            return cls()
        return memory

    def text(self) -> str:
        """As the state of a Reading."""
        if self.bonder is None:
            return ""
        lines = [f"{self.bonder.pid} {self.bonder.started_ms}", self.missing.replace("\n", " ")]
        return "\n".join([*lines, *[f"{name} {sent}" for name, sent in self.sent.items()]])


def collect(world: World) -> Reading:
    """`stream.links` and `stream.links_active`, how many addresses the bond has and how many interfaces carry it; from
    the second run on `stream.link_bitrate_kbps` and `stream.link_share_percent` (tag `interface`) and
    `stream.bitrate_kbps`, their sum; `stream.bond_efficiency_percent`, what the relay receives of it; and the sender's
    own statistics of each link, as `stream.link_rtt_ms` (tag `link`). Of the last two each may fail, which is warned
    about when it changes.

    Raises NoData while no stream is live, SourceProblem."""
    memory = Memory.of(world.state)
    bonder = _bonder(world.root, memory)
    if not memory.bonder or not memory.bonder.same(bonder):
        memory.sent = {}
    path = setup.addresses_file(processes.arguments(world.root, bonder)) or links.ADDRESSES
    addresses = links.addresses(world.root, path)
    names = sorted(set(links.interfaces(world.root, addresses).values()))
    sent = _sent(world.root, names)
    samples = [Sample("stream.links", len(addresses))]
    rates = _rates(memory.sent, sent, world.elapsed_ms or 0)
    total = sum(rates.values())
    # Of a bond without an address it is known that nothing carries it.
    if rates or not addresses:
        samples.append(Sample("stream.links_active", sum(rate >= ACTIVE for rate in rates.values())))
        samples.append(Sample("stream.bitrate_kbps", round(total, 1)))
    for name, rate in rates.items():
        samples.append(Sample("stream.link_bitrate_kbps", round(rate, 1), {"interface": name}))
        if total:
            samples.append(Sample("stream.link_share_percent", round(100 * rate / total, 1), {"interface": name}))
    faults: list[str] = []
    for ask in (_efficiency, _telemetry):
        try:
            samples += ask(world, total)
        except ConfigProblem:
            raise
        except (NoData, Problem) as fault:
            faults.append(str(fault))
    missing, before = "; ".join(faults), memory.missing
    memory.bonder, memory.sent, memory.missing = bonder, sent, missing
    return Reading(samples, memory.text(), [missing] if missing and missing != before else [])


def _bonder(root: str, memory: Memory) -> Process:
    bonder = processes.alive(root, memory.bonder) if memory.bonder else None
    bonder = bonder or processes.find(root).get(BONDER)
    if bonder is None:
        raise NoData("no stream is live")
    return bonder


def _sent(root: str, names: list[str]) -> dict[str, int]:
    """Interface to bytes sent since it was made, for those of `names` that are still there."""
    found: dict[str, int] = {}
    for name in names:
        path = f"/sys/class/net/{name}/statistics/tx_bytes"
        try:
            found[name] = unsigned(read_text(root, path).rstrip("\n"), root + path, 1, "tx_bytes")
        except NoData:
            continue
    return found


def _rates(before: dict[str, int], now: dict[str, int], elapsed_ms: int) -> dict[str, float]:
    """kbit/s of the interfaces seen twice whose counters did not go back."""
    if not elapsed_ms:
        return {}
    return {
        name: (now[name] - old) * 8 / elapsed_ms for name, old in before.items() if name in now and now[name] >= old
    }


def _efficiency(world: World, sent_kbps: float) -> list[Sample]:
    """What the relay receives of what was sent."""
    if not world.text("url") or sent_kbps < ACTIVE:
        return []
    from ..http_get import Url, get
    from ..srt import relay

    url = Url(world.text("url"))
    for sample in relay.collect(relay.parse(get(url, world.number("timeout")), url.host)):
        if sample.name == "srt.bitrate_kbps" and isinstance(sample.value, (int, float)):
            return [Sample("stream.bond_efficiency_percent", round(100 * sample.value / sent_kbps, 1))]
    raise SourceProblem("does not tell what arrives of the stream", where=url.host)


def _telemetry(world: World, _sent_kbps: float) -> list[Sample]:
    path = world.text("telemetry")
    if not path:
        return []
    try:
        text, written_ms = read_tail(world.root, path, _TELEMETRY)
    except NoData:
        return []
    if not world.is_fresh(written_ms):
        return []
    from ..json_text import parse
    from ..srt import srtla_telemetry

    try:
        document = parse(text)
    except ValueError:
        raise SourceProblem("is not JSON", where=world.root + path) from None
    # How many there are and what they carry is told already.
    told = srtla_telemetry.collect(document, world.root + path)
    return [
        Sample(sample.name.replace("srt.", "stream.", 1), sample.value, sample.tags)
        for sample in told
        if sample.name in _OF_LINKS
    ]


def _number(word: str) -> int:
    return unsigned(word, "state", 0, "number")
