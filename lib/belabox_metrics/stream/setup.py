"""How a stream is set up: pipeline, bitrate limits, latency, relay, links. Never the stream id.

From the command lines as belaUI makes them, which also hold for a relay of the BELABOX cloud:

    belacoder PIPELINE HOST PORT -d DELAY_MS -b BITRATE_FILE -l LATENCY_MS [-s STREAMID]
    srtla_send LOCAL_PORT RELAY RELAY_PORT ADDRESSES_FILE

belaUI's own config.json has little more and is full of secrets: it is not opened.
"""

from __future__ import annotations

from ..errors import NoData, SourceProblem
from ..json_text import quote
from ..source import read_text
from . import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .processes import Process

    Facts = dict[str, Union[str, int]]

# The encoder's options that have a value (its getopt string), in all of its known forks.
_WITH_VALUE = "dbls"
_SMALL = 16 * 1024
_TEXT = 200


def read(root: str, found: dict[str, Process]) -> Facts:
    """`pipeline`, `video_source`, `video_encoder`, `latency_ms`, `delay_ms`, `bitrate_min_bps`, `bitrate_max_bps`,
    `relay` (`HOST:PORT`): those that are known."""
    facts: Facts = {}
    if processes.ENCODER in found:
        facts.update(_encoder(root, processes.arguments(root, found[processes.ENCODER])))
    if processes.BONDER in found:
        facts.update(bonder(processes.arguments(root, found[processes.BONDER])))
    return facts


def encoder(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """The encoder's command line as (positions, option to value). The value of `-s` is dropped right here."""
    positions: list[str] = []
    options: dict[str, str] = {}
    words = iter(arguments[1:])
    for word in words:
        if word == "--":
            positions += words
        elif word.startswith("-") and len(word) > 1:
            option = word[1]
            value = ""
            if option in _WITH_VALUE:
                value = word[2:] or next(words, "")
            if option != "s":
                options[option] = value
        else:
            positions.append(word)
    return positions, options


def bonder(arguments: list[str]) -> Facts:
    """`relay`, from the command line of srtla_send; nothing when it is not such a line."""
    if len(arguments) < 5:
        return {}
    host, port = arguments[2], arguments[3]
    if not port.isdigit() or not host or not all(char.isalnum() or char in ".-:_" for char in host):
        return {}
    return {"relay": f"{host}:{port}"[:_TEXT]}


def addresses_file(arguments: list[str]) -> str:
    """Where srtla_send reads the addresses of its links, "" when its command line does not tell."""
    return arguments[4] if len(arguments) > 4 and arguments[4].startswith("/") else ""


def elements(pipeline: str) -> Facts:
    """`video_source` and `video_encoder` of a GStreamer pipeline: the first element named `…src` that is no source of
    sound, and the one that encodes video."""
    facts: Facts = {}
    for part in pipeline.replace("\n", " ").split("!"):
        words = part.split()
        # The end of one branch and the beginning of the next stand in one part: `mux. alsasrc device=…`.
        for name in [words[0], *(words[1:2] if words[0].endswith(".") else [])] if words else []:
            if not (name.isascii() and name.isalnum()):
                continue
            if name.endswith("src") and not name.startswith(("alsa", "audio", "pulse")):
                facts.setdefault("video_source", name)
            elif name.endswith(("264enc", "265enc", "vp8enc", "vp9enc", "av1enc")):
                facts.setdefault("video_encoder", name)
    return facts


def _encoder(root: str, arguments: list[str]) -> Facts:
    facts: Facts = {}
    positions, options = encoder(arguments)
    if positions:
        facts["pipeline"] = _shown(positions[0])
        facts.update(elements(_text(root, positions[0])))
    for option, name in (("l", "latency_ms"), ("d", "delay_ms")):
        number = options.get(option, "")
        if number.removeprefix("-").isdigit() and number.isascii() and len(number) < 10:
            facts[name] = int(number)
    limits = _text(root, options.get("b", "")).split()
    if len(limits) == 2 and all(limit.isdigit() and limit.isascii() and len(limit) < 12 for limit in limits):
        facts["bitrate_min_bps"], facts["bitrate_max_bps"] = map(int, limits)
    return facts


def _text(root: str, path: str) -> str:
    if not path.startswith("/"):
        return ""
    try:
        return read_text(root, path, _SMALL)
    except (NoData, SourceProblem):
        return ""


def _shown(path: str) -> str:
    """`custom/h265_hdmi` of the shipped pipelines; the path itself elsewhere."""
    return (path.partition("/belacoder/pipelines/")[2] or path)[:_TEXT]


def metadata(facts: Facts) -> str:
    """As one JSON object with sorted keys: what is equal is the same text."""
    pairs = [
        f"{quote(key)}:{quote(value) if isinstance(value, str) else value}" for key, value in sorted(facts.items())
    ]
    return "{" + ",".join(pairs) + "}"
