"""The statistics file of srt-live-transmit: a line of JSON for every so many packets, appended while
packets flow.

Written with `-s N -pf json -statsout FILE`; format by `apps/statswriter.cpp` of Haivision's srt 1.5,
meaning of the counters by its `docs/API/statistics.md`. They cover the time since the line before or, with
`-f`, since the connection was made; the lines do not say which, but bytes divided by rate is the time a
line covers.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..json_text import parse as parse_json
from ..sample import Sample
from . import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .fields import Number

LINK = (("rtt", "srt.rtt_ms"), ("bandwidth", "srt.bandwidth_mbps"))
HALF = (("msTsbPdDelay", "srt.latency_ms"), ("msBuf", "srt.buffer_ms"))
RECEIVED = (
    ("packetsLost", "srt.packets_lost_total"),
    ("packetsDropped", "srt.packets_dropped_total"),
    ("bytesLost", "srt.bytes_lost_total"),
    ("bytesDropped", "srt.bytes_dropped_total"),
    ("packetsRetransmitted", "srt.packets_retransmitted_total"),
)
SENT = (
    ("packetsDropped", "srt.packets_dropped_total"),
    ("bytesDropped", "srt.bytes_dropped_total"),
    ("packetsRetransmitted", "srt.packets_retransmitted_total"),
)
COUNTERS = ("packetsUnique", "packetsLost", "packetsDropped", "packetsRetransmitted", "bytes")


class Report:
    """One line: `socket` and `time` (ms since that was made), the `link` and the busier half of the
    connection with its numbers (`received` tells which)."""

    __slots__ = ("half", "link", "received", "socket", "time")

    def __init__(self, line: str) -> None:
        """Raises ValueError when it is no such line."""
        document = parse_json(line)
        if not isinstance(document, dict):
            raise ValueError("no JSON object")
        top = fields.numbers(document)
        if "sid" not in top or "time" not in top:
            raise ValueError("neither sid nor time")
        self.socket = top["sid"]
        self.time = top["time"]
        self.link = fields.numbers(document.get("link"))
        sent, received = fields.numbers(document.get("send")), fields.numbers(document.get("recv"))
        self.received = received.get("bytes", 0) > sent.get("bytes", 0)
        self.half = received if self.received else sent

    def since_connected(self) -> bool:
        """Whether its counters cover the whole life of the socket."""
        rate = self.half.get("mbitRate", 0)
        if not rate:
            return False
        covered = self.half.get("bytes", 0) * 8 / rate / 1000
        return abs(covered - self.time) <= 20 + self.time / 100


def parse(text: str, where: str) -> list[Report]:
    """The reports of the socket that wrote last, oldest first, out of the end of the file.

    The last line may be unfinished and the first one cut. Raises NoData when there is no report yet,
    SourceProblem when what stands there is something else."""
    lines = text.split("\n")
    lines.pop()
    lines = [line for line in lines if line and not line.isspace()]
    if not lines:
        raise NoData(f"{where} has no complete report yet")
    reports: list[Report] = []
    for line in reversed(lines):
        try:
            report = Report(line)
        except ValueError as fault:
            if reports:
                break
            hint = "srt-live-transmit needs -pf json"
            raise SourceProblem(f"is no statistics in JSON: {fault}", where=where, hint=hint) from None
        if reports and (report.socket != reports[-1].socket or report.time >= reports[-1].time):
            break
        reports.append(report)
    reports.reverse()
    return reports


def mark(reports: list[Report]) -> str:
    """The last report as one line, for the `seen` of the next run."""
    return f"{reports[-1].socket} {reports[-1].time}"


def collect(reports: list[Report], seen: str) -> list[Sample]:
    """What the last report says, and rates over all reports after the one marked `seen` (over the last
    without it):

    `srt.packet_loss_percent` at a receiver: packets missing when their turn came, of all that were sent.
    `srt.retransmit_percent` at a sender, which does not learn what was lost: packets sent again, of all sent.
    `srt.receive_rate_mbps` or `srt.send_rate_mbps`, headers and repetitions included.

    Counters are given when the file has them since the connection was made (`-f`)."""
    last = reports[-1]
    whole = len(reports) > 1 and last.since_connected()
    found = [Sample("srt.connected", 1), Sample("srt.uptime_seconds", last.time / 1000)]
    found += fields.samples(last.link, LINK)
    found += fields.samples(last.half, HALF)
    if whole:
        found += fields.samples(last.half, RECEIVED if last.received else SENT)
    first = _first_new(reports, seen)
    spans = [_span(reports, at, whole) for at in range(first, len(reports))]
    return found + _rates([span for span in spans if span], last.received)


def _first_new(reports: list[Report], seen: str) -> int:
    socket, _, time = seen.partition(" ")
    if socket != str(reports[-1].socket):
        return len(reports) - 1
    try:
        known = float(time)
    except ValueError:
        return len(reports) - 1
    return len([report for report in reports if report.time <= known])


def _span(reports: list[Report], at: int, whole: bool) -> dict[str, Number]:
    """COUNTERS, and `ms`, from the report before to this one; empty when that can't be told."""
    report = reports[at]
    before = reports[at - 1] if at else None
    span = {name: report.half[name] for name in COUNTERS if name in report.half}
    if before is None:
        if whole:
            return {}
        rate = report.half.get("mbitRate", 0)
        span["ms"] = report.half.get("bytes", 0) * 8 / rate / 1000 if rate else 0
        return span
    span["ms"] = report.time - before.time
    if whole:
        for name in list(span):
            if name != "ms":
                span[name] -= before.half.get(name, 0)
    return span if min(span.values()) >= 0 else {}


def _rates(spans: list[dict[str, Number]], received: bool) -> list[Sample]:
    if not spans:
        return []
    sums = {
        name: sum([span[name] for span in spans]) for name in ("ms", *COUNTERS) if all(name in span for span in spans)
    }
    found: list[Sample] = []
    if sums["ms"] > 0 and "bytes" in sums:
        rate = round(sums["bytes"] * 8 / sums["ms"] / 1000, 3)
        found.append(Sample("srt.receive_rate_mbps" if received else "srt.send_rate_mbps", rate))
    # Of a receiver: every packet that was sent was either delivered, be it after a retransmission, or
    # dropped.
    part = "packetsLost" if received else "packetsRetransmitted"
    parts = ("packetsUnique", "packetsDropped") if received else ("packetsUnique",)
    if part in sums and all(name in sums for name in parts):
        sent = sum([sums[name] for name in parts])
        if sent:
            series = "srt.packet_loss_percent" if received else "srt.retransmit_percent"
            found.append(Sample(series, min(round(100 * sums[part] / sent, 3), 100.0)))
    return found
