"""The statistics file of a bonding sender, one object of JSON rewritten once a second.

Format: `schema_version` 1 of CERALIVE's srtla-send-rs (`--stats-file`, by its `src/telemetry_file.rs`). It
tells of each link, not of the SRT connection that runs over all of them. A stock BELABOX does not write it.
"""

from __future__ import annotations

from ..errors import SourceProblem
from ..sample import Sample
from . import fields

SERIES = (
    ("rtt_ms", "srt.link_rtt_ms"),
    ("bitrate_kbps", "srt.link_bitrate_kbps"),
    ("nak_count", "srt.link_naks_total"),
    ("weight_percent", "srt.link_weight_percent"),
    ("window", "srt.link_window_packets"),
    ("in_flight", "srt.link_in_flight_packets"),
)
# A bonded sender has a handful of links; each is eight series.
MOST_LINKS = 32


def recognises(document: object) -> bool:
    """Whether a JSON document is of this format."""
    return isinstance(document, dict) and isinstance(document.get("connections"), list)


def collect(document: object, where: str) -> list[Sample]:
    """`srt.links`, how many there are, and SERIES for each (tag `link`: its place in the sender's list of
    addresses).

    Raises SourceProblem for a later version of the format and for links without a name."""
    whole = document if isinstance(document, dict) else {}
    links = whole.get("connections")
    # The sender written in C leaves the version out.
    if whole.get("schema_version", 1) != 1 or not isinstance(links, list):
        raise SourceProblem("is of a version that this program does not read", where=where)
    if len(links) > MOST_LINKS:
        raise SourceProblem(f"lists more than {MOST_LINKS} links", where=where)
    found = [Sample("srt.links", len(links))]
    named: set[str] = set()
    for link in links:
        name = link.get("conn_id") if isinstance(link, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= 32 or name in named:
            raise SourceProblem("lists a link without a name of its own", where=where)
        named.add(name)
        values = fields.numbers(link)
        if "bitrate_bps" in values:
            values["bitrate_kbps"] = values["bitrate_bps"] / 1000
        tags = {"link": name}
        found += [Sample(sample.name, sample.value, tags) for sample in fields.samples(values, SERIES)]
    return found
