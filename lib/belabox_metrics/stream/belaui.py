"""Lines of `belaUI.service`: what belacoder and srtla_send print to standard error, and belaUI itself.

By the format strings of BELABOX/belacoder 898d9ce, BELABOX/srtla 37862da and BELABOX/belaUI 79fe2a8. Other versions may
say more, or say it differently: a line that is not known tells nothing.
"""

from __future__ import annotations

from . import links
from .finding import CRITICAL, Finding

# The encoder's words for why SRT did not connect: the tag `reason`.
_REASONS = {
    "connection timed out": "timeout",
    "streamid already in use": "streamid_in_use",
    "invalid streamid": "streamid_invalid",
    "failed to resolve address": "not_resolved",
    "failed to open the SRT socket": "no_socket",
}
# Line to (name, text, priority, reason).
_WHOLE = {
    "warning: no available connections": ("all_links_down", "no link is up", CRITICAL, ""),
    "The SRT connection timed out, exiting": (
        "srt_lost",
        "the relay has acknowledged nothing for six seconds",
        CRITICAL,
        "timeout",
    ),
    "The SRT connection failed, exiting": ("srt_lost", "sending to the relay failed", CRITICAL, "send_failed"),
    "Pipeline stall detected. Will exit now": ("pipeline_stall", "no picture comes out of the encoder", CRITICAL, ""),
}
# What a person asked of belaUI, which prints the messages of its page.
_ASKED = {
    "  start: {": ("start_requested", "the stream was started in belaUI"),
    "{ stop: 0 }": ("stop_requested", "the stream was stopped in belaUI"),
}
_NO_RELAY = ("Failed to re-establish any connections to ", "Failed to establish any initial connections to ")
_NO_ADDRESS = ("Failed to parse any IP addresses in ", "Failed to open and bind to any of the IP addresses in ")
_LINK = {
    "connection established": ("link_up", ""),
    "connection failed, attempting to reconnect": ("link_down", "no_answer"),
    "sendto() failed, disabling the connection": ("link_down", "send_failed"),
}
_LINK_TEXTS = {
    "": "is up",
    "no_answer": "is down: nothing came back for four seconds",
    "send_failed": "is down: it can't be sent over",
    "no_address": "is down: the box does not have its address",
}


def finding(line: str) -> Finding | None:
    """What a line tells, None for most."""
    if line in _WHOLE:
        name, text, priority, reason = _WHOLE[line]
        return Finding(name, text, priority, {"reason": reason} if reason else None)
    if line in _ASKED:
        return Finding(*_ASKED[line], single=True)
    if line.startswith("SRT connected to "):
        over = ("srt_lost", "srt_connect_failed", "pipeline_stall", "capture_error", "relay_unreachable")
        return Finding("srt_connected", "the encoder is connected", over=over, single=True)
    if line.startswith("Failed to establish an SRT connection: "):
        said = line[len("Failed to establish an SRT connection: ") :].partition(".")[0]
        reason = _REASONS.get(said, "unknown")
        text = "not known why" if reason == "unknown" else said
        return Finding("srt_connect_failed", f"the encoder can't connect: {text}", tags={"reason": reason})
    if line.startswith("gstreamer "):
        return _element(line)
    if line.startswith(_NO_RELAY):
        return Finding("relay_unreachable", "the relay answers over no link", CRITICAL, {"reason": "no_answer"})
    if line.startswith("Failed to resolve "):
        text = "the relay's name has no address"
        return Finding("relay_unreachable", text, CRITICAL, {"reason": "not_resolved"})
    if line.startswith(_NO_ADDRESS):
        return Finding("all_links_down", "there is no address to send from", CRITICAL)
    if line.startswith("Failed to bind to the source address "):
        return _link(line.rpartition(" ")[2], "link_down", "no_address")
    # `10.75.12.34 (0x55a0c8d0a2b0): connection established`; the pointer tells links apart, and nothing else.
    address, _, rest = line.partition(" (0x")
    said = rest.partition("): ")[2]
    return _link(address, *_LINK[said]) if said in _LINK else None


def _link(address: str, name: str, reason: str) -> Finding | None:
    if links.number(address) is None:
        return None
    over = ("link_down", "all_links_down", "relay_unreachable") if name == "link_up" else ("link_up",)
    text = f"{address} {_LINK_TEXTS[reason]}"
    return Finding(name, text, tags={"reason": reason} if reason else None, address=address, over=over)


def _element(line: str) -> Finding | None:
    """`gstreamer error from v4l2src0`; `eos` from the pipeline as a whole only tells that it was stopped."""
    kind, _, element = line[len("gstreamer ") :].partition(" from ")
    if kind not in ("error", "eos") or not (element.isascii() and element.isidentifier() and len(element) <= 40):
        return None
    if kind == "eos" and element.startswith("pipeline"):
        return None
    text = f"{element} failed" if kind == "error" else f"{element} has ended"
    return Finding("capture_error", text, CRITICAL, {"element": element})
