"""Names that a person's own metrics may have: none that this program gives, now or after an upgrade."""

from __future__ import annotations

# The first words of all metrics and series that come with this program.
TAKEN = (
    "audio",
    "collector",
    "cpu",
    "disk",
    "encoder",
    "fan",
    "gps",
    "gpu",
    "hdmi",
    "io",
    "memory",
    "meta",
    "modem",
    "network",
    "npu",
    "power",
    "pressure",
    "srt",
    "storage",
    "stream",
    "system",
    "thermal",
    "time",
    "uploader",
)
LONGEST = 128  # characters
_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_REST = _START | frozenset("0123456789")


def is_label(name: str) -> bool:
    """Whether it is `[a-zA-Z_][a-zA-Z0-9_]*`, and no longer than half a series' name."""
    return 0 < len(name) <= LONGEST // 2 and name[0] in _START and _REST.issuperset(name)


def is_series(name: str) -> bool:
    """Whether it is the name of a series: the same, with dots and colons in it."""
    letters = name.replace(".", "_").replace(":", "_")
    return 0 < len(name) <= LONGEST and name[0] in _START and _REST.issuperset(letters)


def taken(name: str) -> str:
    """The word for which the name can't be had, "" when it can. On the wire a dot is an underscore: `cpu_load` would
    stand among `cpu.usage`."""
    word = name.lower().replace(".", "_").replace(":", "_").partition("_")[0]
    return word if word in TAKEN else ""
