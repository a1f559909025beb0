"""`srt.packet_loss`: how the stream arrives.

A box can't ask its own SRT connection: its numbers live inside the program that streams. So they come from
the relay that receives (setting `url`), from a file of statistics on the box (`file`), or from both; where
both tell the same series, the relay is right, since it sees the stream as it arrived over all links.
Formats: `belabox_metrics/srt/`.
"""

from __future__ import annotations

from ..errors import ConfigProblem, NoData, Problem
from ..json_text import parse as parse_json
from ..sample import Sample, canonical
from ..source import read_tail
from ..world import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Settings, World

METRIC = "srt.packet_loss"
PRIORITY = 1
SETTINGS: Settings = {
    "url": ("url", ""),
    "file": ("path", ""),
    # For the whole answer of the relay, and for finding its address: less than the usual interval.
    "timeout": ("duration", 3000),
    # A file not written for so long tells of a stream that is over.
    "stale_after": ("duration", 15_000),
}

TAIL = 64 * 1024  # bytes of the file that are read; about eighty reports


def not_scheduled(settings: dict[str, object]) -> str:
    """Why there is nothing to collect, "" when there is."""
    return "" if settings.get("url") or settings.get("file") else "neither url nor file is configured"


def collect(world: World) -> Reading:
    """`srt.connected` (1 or 0; a relay without our stream is an answer, not a failure), and what the source
    gives of `srt.packet_loss_percent`, `srt.rtt_ms`, `srt.bitrate_kbps`, … as the modules of
    `belabox_metrics/srt/` list.

    Of two sources one may fail; that is warned about when it changes. Raises what the first raised when none is
    left: NoData for a missing or stale file, TryLater for a relay that can't be reached now, SourceProblem."""
    memory = Memory(world.state)
    found: dict[str, Sample] = {}
    faults: list[Exception] = []
    for configured, ask in ((world.text("url"), _relay), (world.text("file"), _file)):
        if not configured:
            continue
        try:
            for sample in ask(world, memory):
                found.setdefault(sample.name + canonical(sample.tags), sample)
        except ConfigProblem:
            raise
        except (NoData, Problem) as fault:
            faults.append(fault)
    if not found:
        raise faults[0] if faults else NoData(not_scheduled(world.settings))
    missing = str(faults[0]) if faults else ""
    warnings = [missing] if missing and missing != memory.missing else []
    memory.missing = missing
    return Reading(list(found.values()), memory.text(), warnings)


class Memory:
    """What the next run needs: marks of the last reading of the `relay` and of the `file`, and `missing`:
    what the last run said about a source that failed."""

    __slots__ = ("file", "missing", "relay")

    def __init__(self, state: str) -> None:
        lines = state.split("\n")
        self.relay, self.file, self.missing = lines if len(lines) == 3 else ("", "", "")

    def text(self) -> str:
        """As the state of a Reading."""
        return "\n".join([self.relay, self.file, self.missing.replace("\n", " ")])


def _relay(world: World, memory: Memory) -> list[Sample]:
    # Here and in _file, since most boxes have one of the two.
    from ..http_get import Url, get
    from ..srt import relay

    before, memory.relay = relay.marked(memory.relay), ""
    url = Url(world.text("url"))
    now = relay.parse(get(url, world.number("timeout")), url.host)
    samples = relay.collect(now)
    if now is None:
        return samples
    now[relay.LATE] = world.running_ms()
    memory.relay = relay.mark(now)
    percent = relay.loss_percent(before, now, world.elapsed_ms or 0)
    if percent is not None:
        samples.append(Sample("srt.packet_loss_percent", percent))
    return samples


def _file(world: World, memory: Memory) -> list[Sample]:
    from ..srt import live_transmit, srtla_telemetry

    path = world.text("file")
    where = world.root + path
    text, written_ms = read_tail(world.root, path, TAIL)
    if not world.is_fresh(written_ms):
        longest_s = world.number("stale_after") / 1000
        raise NoData(f"{where}: statistics are stale, not written for more than {longest_s:g} s")
    document = _document(text)
    if srtla_telemetry.recognises(document):
        return srtla_telemetry.collect(document, where)
    reports = live_transmit.parse(text, where)
    seen, memory.file = memory.file, live_transmit.mark(reports)
    return live_transmit.collect(reports, seen)


def _document(text: str) -> object:
    try:
        return parse_json(text)
    except ValueError:
        return None
