"""How whole a stream arrived between two readings of a relay: shares, where the relay has counters.

Shares need packets, and a relay tells how many it lost, dropped and got twice, but not how many it got. So they are
reckoned from its bitrate, in packets of the size that every sender of MPEG-TS over SRT fills: seven of 188 bytes.
"""

from __future__ import annotations

from ..sample import Sample
from .relay import MARKED as OF_LOSS
from .relay import apart_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .fields import Number

PAYLOAD = 1316  # bytes

# What a later reading needs of this one.
MARKED = (*OF_LOSS, "dropped_pkts", "pktRcvRetrans")
_DROPPED = ("pktRcvDrop", "dropped_pkts")
_REPEATED = ("pktRcvRetrans",)


def shares(before: dict[str, Number], now: dict[str, Number], elapsed_ms: int) -> list[Sample]:
    """`srt.buffer_percent`, how full the buffer is of the latency agreed on; and between two readings of one
    connection, `elapsed_ms` apart, `srt.drop_percent`, packets given up on of all that were sent, and
    `srt.retransmit_percent`, packets that arrived as repetitions of all that arrived. Each where the relay tells what
    it takes.

    Estimates, as relay.loss_percent is. Drops are what a viewer sees; losses are mostly repaired in time."""
    found = []
    buffered, latency = now.get("msRcvBuf", now.get("buffer")), now.get("latency", 0)
    if buffered is not None and latency:
        found.append(Sample("srt.buffer_percent", round(100 * buffered / latency, 1)))
    arrived = _arrived(before, now, elapsed_ms)
    if arrived is None:
        return found
    dropped, repeated = _grown(before, now, _DROPPED), _grown(before, now, _REPEATED)
    if dropped is not None and arrived + dropped:
        found.append(Sample("srt.drop_percent", round(100 * dropped / (arrived + dropped), 3)))
    if repeated is not None and arrived:
        found.append(Sample("srt.retransmit_percent", min(round(100 * repeated / arrived, 3), 100.0)))
    return found


def _arrived(before: dict[str, Number], now: dict[str, Number], elapsed_ms: int) -> float | None:
    """Packets, by the mean of the two bitrates; None where that tells nothing."""
    apart = apart_ms(before, now, elapsed_ms)
    if apart is None or "bitrate" not in before or "bitrate" not in now:
        return None
    return (before["bitrate"] + now["bitrate"]) / 2 * apart / 8 / PAYLOAD  # kbit/s times ms is bits


def _grown(before: dict[str, Number], now: dict[str, Number], fields: tuple[str, ...]) -> Number | None:
    """By how much the first of `fields` that both have has grown; None when it went back, or none has one."""
    for field in fields:
        if field in before and field in now:
            grown = now[field] - before[field]
            return grown if grown >= 0 else None
    return None
