"""The links of the bond: modems, cables, and what goes over them."""

from __future__ import annotations

from ...quantity import shown
from ..observation import INTERRUPTED, Observation
from ..series import median
from .episodes import episodes, seen, whose
from .readings import at_least, at_most, bad, observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..recording import Recording
    from ..series import Series

# A stick that is pulled is told twice, as a device and as an interface.
TOGETHER_MS = 2_000
SILENT_KBPS = 10
CARRIED_KBPS = 100
# ms; a link this much slower than the others holds back what came over them.
SLOW_RTT_MS = 300
SLOW_TIMES = 3
LASTING_MS = 30_000
# A technology's own word for a bad signal, at or below.
WEAK = {
    "modem.rsrp_dbm": ("RSRP", -110),
    "modem.snr_db": ("SNR", 0),
    "modem.rsrq_db": ("RSRQ", -18),
    "modem.signal_quality_percent": ("quality", 20),
}
_REASONS = {
    "no_answer": "nothing came back over it",
    "send_failed": "it could not be sent over",
    "no_address": "the box did not have its address",
}


def modem_gone(recording: Recording) -> list[Observation]:
    """`modem_gone` until `modem_found`, with what USB said of it."""
    found = []
    for episode in episodes(recording, ("modem_gone",), ("modem_found",)):
        ports = [
            event
            for event in recording.named("usb_disconnected")
            if abs(event.timestamp_ms - episode.since_ms) <= TOGETHER_MS
        ]
        port = f" (port {ports[0].tags.get('port', '')})" if ports else ""
        name = whose(episode.first) or "a modem"
        found.append(
            Observation(
                min([episode.since_ms, *[event.timestamp_ms for event in ports]]),
                episode.until_ms,
                f"{name} disappeared from USB{port}",
                [*[seen(event) for event in ports], *episode.seen()],
                subject=name,
                is_open=episode.is_open,
            )
        )
    return found


def usb_gone(recording: Recording) -> list[Observation]:
    """`usb_disconnected` of what was no modem."""
    gone = [event.timestamp_ms for event in recording.named("modem_gone")]
    return [
        Observation(
            event.timestamp_ms,
            event.timestamp_ms,
            f"what was plugged in at USB port {event.tags.get('port', '')} disappeared",
            [seen(event)],
            subject=event.tags.get("port", ""),
        )
        for event in recording.named("usb_disconnected")
        if all(abs(event.timestamp_ms - at_ms) > TOGETHER_MS for at_ms in gone)
    ]


def link_lost(recording: Recording) -> list[Observation]:
    """`link_down` until `link_up` of the same link."""
    found = []
    for episode in episodes(recording, ("link_down",), ("link_up",)):
        name = whose(episode.first) or "a link"
        reason = _REASONS.get(episode.first.tags.get("reason", ""), "")
        found.append(
            Observation(
                episode.since_ms,
                episode.until_ms,
                f"{name} lost its link" + (f" ({reason})" if reason else ""),
                episode.seen(),
                subject=name,
                is_open=episode.is_open,
            )
        )
    return found


def no_link(recording: Recording) -> list[Observation]:
    """`all_links_down` until any link is up."""
    found = episodes(recording, ("all_links_down",), ("srt_connected",))
    for episode in found:
        up = [event.timestamp_ms for event in recording.named("link_up") if event.timestamp_ms >= episode.since_ms]
        if up and up[0] < episode.until_ms:
            episode.until_ms, episode.is_open = up[0], False
    return [
        Observation(
            episode.since_ms,
            episode.until_ms,
            "no link was left to send over",
            episode.seen(),
            harm=INTERRUPTED,
            is_open=episode.is_open,
        )
        for episode in found
    ]


def link_silent(recording: Recording) -> list[Observation]:
    """A link that carried something and then nothing, while nothing was said of it."""
    found = []
    for series in recording.all("stream.link_bitrate_kbps"):
        usual = median([point.mean for point in series.within(*recording.steady_ms)]) or 0
        if usual < CARRIED_KBPS:
            continue
        name = series.tags.get("interface", "a link")
        for spell in bad(recording, series, at_most(SILENT_KBPS), least=2):
            what = f"{name} carried nothing (usually {shown(series.name, usual)})"
            found.append(observed(series, spell, what, f"{SILENT_KBPS} kbit/s or less", above=False, subject=name))
    return found


def slow_link(recording: Recording) -> list[Observation]:
    """A link whose round trip is far longer than that of the others."""
    # The same links by two names, of two collectors.
    name = next((name for name in ("stream.link_rtt_ms", "srt.link_rtt_ms") if len(recording.all(name)) > 1), "")
    usual = {series.tags.get("link", ""): _usual(series) for series in recording.all(name)}
    found = []
    for series in recording.all(name):
        link = series.tags.get("link", "")
        others = [number for other, number in usual.items() if other != link]
        limit = max(SLOW_RTT_MS, SLOW_TIMES * (median(others) or 0))
        for spell in bad(recording, series, at_least(limit), lasting_ms=LASTING_MS):
            worst = shown(name, spell.greatest)
            what = f"the round trip over {link} rose to {worst}, over the others it was {shown(name, min(others))}"
            found.append(observed(series, spell, what, f"{limit:.0f} ms or more", above=True, subject=link))
    return found


def weak_signal(recording: Recording) -> list[Observation]:
    """A modem's signal at the edge of what it can use: the first of WEAK that says so."""
    found: list[Observation] = []
    for name, (word, limit) in WEAK.items():
        told = {one.subject for one in found}
        for series in recording.all(name):
            owner = _owner(recording, series)
            if owner in told:
                continue
            for spell in bad(recording, series, at_most(limit), least=2, is_steady=False):
                what = f"the signal of {owner} was weak ({word} {shown(name, spell.least)})"
                less = f"{shown(name, limit)} or less"
                found.append(observed(series, spell, what, less, above=False, subject=owner, family=f"signal {owner}"))
    return found


def _usual(series: Series) -> float:
    return median([point.mean for point in series.points]) or 0


def _owner(recording: Recording, series: Series) -> str:
    """The network interface of a modem, as links are named; the modem itself where nobody told."""
    modem = series.tags.get("modem", "")
    known = recording.one("modem.info", modem=modem)
    return (known.tags.get("interface", "") if known else "") or f"modem {modem}"
