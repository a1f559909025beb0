"""The stream as it is now: since when, how it goes, and what each link carries."""

from __future__ import annotations

from ..markup import escaped
from ..quantity import shown
from .pieces import bar, card, figure, figures, reading, said
from .words import ago, clock, lasting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.sessions import Stored
    from .view import View

# As people call them who look after modems.
SIGNALS = {
    "modem.signal_quality_percent": "signal",
    "modem.rsrp_dbm": "RSRP",
    "modem.rssi_dbm": "RSSI",
    "modem.snr_db": "SNR",
}
NAME_LIMIT = 40
# Of the relay as of the sender: whichever of the two metrics is collected.
_STATISTICS = ("srt.relay", "srt.packet_loss")


def stream(view: View) -> str:
    """The card of the stream."""
    if view.live is not None:
        return card("stream", "Stream", _live(view, view.live), "tall")
    if view.one("stream.live") is None:
        why = view.why_not("stream.session")
        return card("stream", "Stream", said(f"Whether a stream is live is not known: {why}."), "wide")
    last = next((session for session in view.sessions if session.end_ms is not None), None)
    when = f" The last one ended {ago(view.now.wall_ms - last.end_ms)}." if last and last.end_ms else ""
    return card("stream", "Stream", said(f"No stream is live.{when}"), "wide")


def _live(view: View, session: Stored) -> str:
    now_ms = view.now.wall_ms
    since = f"live since {clock(session.start_ms, now_ms)}, for {lasting(now_ms - session.start_ms)}"
    reconnects = view.one("stream.reconnects_total")
    if reconnects:
        since += f", started anew {reconnects:.0f} {'time' if reconnects == 1 else 'times'}"
    metric = next((name for name in _STATISTICS if view.is_collected(name)), _STATISTICS[1])
    bitrate = ("srt.bitrate_kbps", "stream.bitrate_kbps", "encoder.output_bitrate_kbps")
    where = dict(zip(bitrate, ("at the relay", "sent over all links", "from the encoder")))
    found = view.first(*bitrate)
    items = [
        reading(view, "Bitrate", "stream.links", *bitrate, more=where[found[0]] if found else ""),
        reading(view, "Round trip", metric, "srt.rtt_ms"),
        reading(view, "Packet loss", metric, "srt.packet_loss_percent"),
        _score(view),
    ]
    return f'<p class="live">{escaped(since)}</p>{figures(items)}{_links(view)}'


def _score(view: View) -> str:
    score = view.one("stream.health_score")
    if score is None:
        return reading(view, "Score", "stream.health", "stream.health_score")
    parts = [(found.value, found.tags.get("part", "")) for found in view.all("stream.health_part_ratio")]
    worst = min([part for part in parts if isinstance(part[0], (int, float))], default=(1.0, ""))
    more = f"held down by: {worst[1].replace('_', ' ')}" if isinstance(worst[0], (int, float)) and worst[0] < 1 else ""
    return figure("Score", f"{score:.0f} of 100", more, share=score)


def _links(view: View) -> str:
    rows = []
    for link in view.all("stream.link_bitrate_kbps"):
        name = link.tags.get("interface", "")
        share = view.one("stream.link_share_percent", interface=name)
        carries = shown(link.name, link.value)
        rows.append(
            f"<li><b>{escaped(name, NAME_LIMIT)}</b><span>{escaped(carries)}</span>"
            f"<span>{'no share' if share is None else escaped(shown('share_percent', share))}</span>"
            f'<span class="more">{escaped(_signal(view, name))}</span>'
            f"{'' if share is None else bar(share, 'span')}</li>"
        )
    if not rows:
        why = view.why_not("stream.links")
        return f"<h3>Links</h3>{said(f'What each link carries is not known: {why}.')}"
    return f'<h3>Links</h3><ul class="links">{"".join(rows)}</ul>'


def _signal(view: View, interface: str) -> str:
    """The signal of the modem behind an interface, in words."""
    modems = [found.tags["modem"] for found in view.all("modem.rx_bytes_total") if _is_of(found.tags, interface)]
    if not modems:
        return "no modem"
    tags = {"modem": modems[0]}
    values = {name: view.one(name, **tags) for name in SIGNALS}
    if values["modem.rsrp_dbm"] is not None:
        # The same once more, with all that others send: two powers beside each other would only puzzle.
        values["modem.rssi_dbm"] = None
    words = [f"{SIGNALS[name]} {shown(name, value)}" for name, value in values.items() if value is not None]
    access = [str(found.value) for found in view.all("modem.access_technology") if found.tags.get("modem") == modems[0]]
    return ", ".join([*words, *access]) or "its modem tells no signal"


def _is_of(tags: dict[str, str], interface: str) -> bool:
    return tags.get("interface") == interface and "modem" in tags
