"""What a relay says about the stream it receives, as JSON over HTTP.

Read are `/stats?publisher=NAME` of irl-srt-server (field names by its `SLSManager.cpp`, 2026, and older
samples of it with fewer of them), `/stats/ID` of OpenIRL's srtla-receiver with and without `legacy=1`, and
the statistics URL of the BELABOX cloud, of which only three fields are known from the programs that read
it.

The counters of irl-srt-server are libsrt's "interval" ones, but never cleared unless somebody asks with
`reset`: in effect they run since the publisher connected. Likewise `mbpsRecvRate` is the average since
then.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..json_text import parse as parse_json
from ..sample import Sample
from . import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .fields import Number

SERIES = (
    ("rtt", "srt.rtt_ms"),
    ("bitrate", "srt.bitrate_kbps"),
    ("latency", "srt.latency_ms"),
    ("msRcvBuf", "srt.buffer_ms"),
    ("buffer", "srt.buffer_ms"),
    ("pktRcvLoss", "srt.packets_lost_total"),
    ("pktRcvDrop", "srt.packets_dropped_total"),
    ("dropped_pkts", "srt.packets_dropped_total"),
    ("bytesRcvLoss", "srt.bytes_lost_total"),
    ("bytesRcvDrop", "srt.bytes_dropped_total"),
    ("pktRcvRetrans", "srt.packets_retransmitted_total"),
    ("pktSentNAKTotal", "srt.naks_sent_total"),
    ("ingestDiscontinuities", "srt.discontinuities_total"),
    ("mbpsRecvRate", "srt.receive_rate_mbps"),
    ("mbpsBandwidth", "srt.bandwidth_mbps"),
    ("msSrtlaReorderHold", "srt.reorder_hold_ms"),
    ("uptime", "srt.uptime_seconds"),
)

# Of those who fetch the stream from the relay: when they suffer and the box does not, the fault is behind the relay.
VIEWERS = (
    ("viewerPktSndDrop", "srt.viewer_packets_dropped_total"),
    ("sendBackpressure", "srt.viewer_backpressure_total"),
    ("ringOverruns", "srt.ring_overruns_total"),
    ("maxReaderBacklogBytes", "srt.viewer_backlog_bytes"),
    ("maxReaderBacklogMs", "srt.viewer_backlog_ms"),
)

# IPv4, UDP and SRT headers, which libsrt counts among the bytes lost and the relay not among those of its
# bitrate.
HEADERS = 44
# A bitrate at either end says nothing about what lies between them when that is long.
LONGEST_GAP_MS = 120_000
# A field that the relay does not give: how long after the run began it answered, ms. Whoever asks adds it.
LATE = "late_ms"
# Of one connection, by how much less than the time between two runs its uptime may grow: an answer may come late.
_LATE_S = 10


def parse(text: str, where: str) -> dict[str, Number] | None:
    """The answer of a relay to the numbers of its one publisher; None while nobody publishes.

    Raises SourceProblem, with `where` (the host) in it, for anything else. What the relay wrote is not
    repeated: it may quote the URL, which may be a secret."""
    try:
        answer = parse_json(text)
    except ValueError as fault:
        raise SourceProblem(f"does not answer in JSON: {fault}", where=where) from None
    if not isinstance(answer, dict):
        raise SourceProblem("answers in JSON that is no statistics", where=where)
    publisher = _publisher(answer, where)
    if publisher is None:
        return None
    found = fields.numbers(publisher)
    if not any(field in found for field, _ in SERIES):
        raise SourceProblem("lists a publisher without any known number", where=where)
    # The cloud keeps the entry of a stream that ended. The others drop it, and a bitrate of 0 is news there.
    if "dropped_pkts" in found and "uptime" not in found and found.get("bitrate") == 0:
        return None
    return found


def is_another(before: dict[str, Number], now: dict[str, Number], elapsed_ms: int) -> bool:
    """Whether two readings, `elapsed_ms` apart, are of two connections: the later one has not lasted long enough."""
    if "uptime" not in before:
        return False
    return now.get("uptime", 0) < before["uptime"] + max(elapsed_ms / 1000 - _LATE_S, 0)


def apart_ms(before: dict[str, Number], now: dict[str, Number], elapsed_ms: int) -> Number | None:
    """Ms between two answers of runs that began `elapsed_ms` apart; None without one before, and when it is too long
    ago for what was measured at both ends to say anything about the time between.

    Over a bad link an answer takes seconds, as much as there are between two runs."""
    apart = elapsed_ms + now.get(LATE, 0) - before.get(LATE, 0)
    return apart if elapsed_ms > 0 and 0 < apart <= LONGEST_GAP_MS else None


def loss_percent(before: dict[str, Number], now: dict[str, Number], elapsed_ms: int) -> float | None:
    """Packets missing at first arrival, percent of those sent, between two readings `elapsed_ms` apart;
    None when it can't be told: counters not given or gone back, another connection, nothing received, too
    long a gap.

    An estimate. The relay counts what was lost but not what arrived, so that is taken to be the mean of the
    two bitrates (each measured over its last second) for all of the time. Every packet that was sent was
    either delivered, be it after a retransmission, or dropped."""
    apart = apart_ms(before, now, elapsed_ms)
    if apart is None or is_another(before, now, elapsed_ms):
        return None
    if "bitrate" not in before or "bitrate" not in now:
        return None
    lost = _payload(before, now, "bytesRcvLoss", "pktRcvLoss")
    if lost is None:
        return None
    dropped = _payload(before, now, "bytesRcvDrop", "pktRcvDrop") or 0
    delivered = (before["bitrate"] + now["bitrate"]) / 2 * apart / 8  # kbit/s times ms is bits
    if delivered + dropped == 0:
        return None
    return min(round(100 * lost / (delivered + dropped), 3), 100.0)


# What a later loss_percent needs of a reading, in this order in the text of `mark`.
MARKED = ("uptime", "bitrate", "pktRcvLoss", "bytesRcvLoss", "pktRcvDrop", "bytesRcvDrop", LATE)


def mark(found: dict[str, Number], wanted: tuple[str, ...] = MARKED) -> str:
    """The fields `wanted` of a reading as one line, `-` for what is not given."""
    return " ".join([repr(found[field]) if field in found else "-" for field in wanted])


def marked(line: str, wanted: tuple[str, ...] = MARKED) -> dict[str, Number]:
    """What `mark` wrote; of another line, nothing."""
    words = line.split(" ")
    if len(words) != len(wanted):
        return {}
    found: dict[str, Number] = {}
    for field, word in zip(wanted, words):
        try:
            value = fields.number(int(word) if word.isdigit() else float(word))
        except ValueError:
            continue
        if value is not None:
            found[field] = value
    return found


def collect(found: dict[str, Number] | None) -> list[Sample]:
    """`srt.connected` and, with a publisher, the SERIES it gives."""
    if found is None:
        return [Sample("srt.connected", 0)]
    return [Sample("srt.connected", 1), *fields.samples(found, SERIES)]


def viewers(found: dict[str, Number]) -> list[Sample]:
    """The VIEWERS it gives."""
    return fields.samples(found, VIEWERS)


def kind(found: dict[str, Number]) -> str:
    """Which relay it is, by the fields that it alone gives: `irl_srt_server` (OpenIRL with `legacy=1` can't be told
    from it), `openirl`, `belabox_cloud`; else `unknown`."""
    if "dropped_pkts" in found:
        return "openirl" if "uptime" in found else "belabox_cloud"
    return "irl_srt_server" if "mbpsRecvRate" in found or "pktRcvLoss" in found else "unknown"


def _publisher(answer: dict[str, object], where: str) -> object:
    """The entry of the publisher, None when the relay says there is none. Raises SourceProblem."""
    if answer.get("status", "ok") != "ok":
        raise SourceProblem("answers with an error", where=where)
    if "publisher" in answer:
        return answer["publisher"] or {}
    publishers = answer.get("publishers")
    if isinstance(publishers, dict):
        if len(publishers) > 1:
            hint = "name one in the URL: ?publisher=…"
            raise SourceProblem(f"lists {len(publishers)} publishers", where=where, hint=hint)
        return next(iter(publishers.values()), None)
    # OpenIRL without a stream: nothing but a remark.
    if isinstance(answer.get("message"), str) and answer.get("status") == "ok":
        return None
    raise SourceProblem("answers in JSON that is no statistics", where=where)


def _payload(before: dict[str, Number], now: dict[str, Number], octets: str, packets: str) -> float | None:
    """Bytes without headers counted between two readings; None when not given or gone back."""
    if octets not in before or octets not in now:
        return None
    size = now[octets] - before[octets]
    count = now.get(packets, 0) - before.get(packets, 0)
    if size < 0 or count < 0:
        return None
    return max(size - count * HEADERS, 0)
