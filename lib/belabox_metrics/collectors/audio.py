"""`audio`: whether the sound is being captured, and how.

Reads what ALSA shows of each capture device in `/proc/asound/card*/pcm*c/sub*/{status,hw_params}` (the kernel's
`sound/core/pcm.c`), the capture card of the HDMI input and of a USB stick alike. The kernel exposes no count of
overruns; that one is going on is the state `XRUN`, and a buffer near full is how one begins.
"""

from __future__ import annotations

from ..attributes import Attributes, distinct, index
from ..sample import Sample
from ..source import unsigned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..world import Reading, Settings, World

METRIC = "audio"
PRIORITY = 2
SETTINGS: Settings = {}

PATH = "/proc/asound"
# (series, name in hw_params)
FORMAT = (("audio.sample_rate_hertz", "rate"), ("audio.channels", "channels"))


def parse(text: str) -> dict[str, str]:
    """Lines `name: value` and `name      : value` to `{"state": "RUNNING", …}`; the one word `closed` to nothing."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip()] = value.strip()
    return found


def collect(world: World) -> Reading:
    """`audio.capture_running` and `audio.capture_overrun`, 1 or 0, for each capture device (tags `card`, ALSA's name
    of it, and `device`); while it is open also FORMAT, `audio.buffer_percent` (how full) and
    `audio.captured_frames_total`, from 0 with each opening. Raises NoData when nothing here captures sound."""
    files = Attributes(world)
    samples: list[Sample] = []
    cards: dict[str, str] = {}
    for entry in files.entries(PATH, "card"):
        card = distinct(files.text(f"{PATH}/{entry}/id") or entry, cards)
        cards[card] = entry
        devices = [
            name for name in files.names(f"{PATH}/{entry}") if name.endswith("c") and index(name[:-1], "pcm") >= 0
        ]
        for device in devices:
            for sub in files.entries(f"{PATH}/{entry}/{device}", "sub"):
                path = f"{PATH}/{entry}/{device}/{sub}"
                name = device if sub == "sub0" else f"{device}/{sub}"
                samples += _device(files, path, {"card": card, "device": name})
    return files.reading(samples, f"{world.root}{PATH} has no device that captures")


def _device(files: Attributes, path: str, tags: dict[str, str]) -> list[Sample]:
    text = files.text(f"{path}/status")
    if text is None:
        return []
    status = parse(text)
    if text != "closed" and "state" not in status:
        files.broken(f"{path}/status", "has no state")
        return []
    # It stopped while a program has it open: not running, and worth telling apart from closed.
    state = status.get("state", "closed")
    samples = [
        Sample("audio.capture_running", int(state == "RUNNING"), tags),
        Sample("audio.capture_overrun", int(state == "XRUN"), tags),
    ]
    if state == "closed":
        return samples
    # "closed" as well between opening the device and choosing a format.
    chosen = parse(files.text(f"{path}/hw_params") or "")
    for series, name in FORMAT:
        value = _number(files, f"{path}/hw_params", name, chosen)
        if value:
            samples.append(Sample(series, value, tags))
    waiting = _number(files, f"{path}/status", "avail", status)
    room = _number(files, f"{path}/hw_params", "buffer_size", chosen)
    if waiting is not None and room:
        # More than fits is what stands there for a moment when it runs over.
        samples.append(Sample("audio.buffer_percent", round(100 * min(waiting, room) / room, 2), tags))
    frames = _number(files, f"{path}/status", "hw_ptr", status)
    if frames is not None:
        samples.append(Sample("audio.captured_frames_total", frames, tags))
    return samples


def _number(files: Attributes, path: str, name: str, found: dict[str, str]) -> int | None:
    """The number at the start of a value, as of `48000 (48000/1)`; None when there is none."""
    if name not in found:
        return None
    word = found[name].partition(" ")[0]
    if word.isdigit() and word.isascii() and len(word) < 19:
        return unsigned(word, files.root + path, 1, name)
    files.broken(path, f"{name} is not a number")
    return None
