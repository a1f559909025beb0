"""An entry of `metrics:` with `exec:`, a metric of a person's own."""

from __future__ import annotations

import re

from ..own.collector import DIRECTORY, LONGEST_MS, PRIORITY, SETTINGS
from ..own.names import taken
from .known import Known

__all__ = ["HINT", "LONGEST_MS", "fault", "known"]

# What runs it is named after it: belabox-metrics@room.climate.timer.
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_LONGEST = 64

HINT = f"the name of a file in {DIRECTORY}"


def known(name: str) -> Known:
    """What is known of such a metric. `exec` is none of its settings: it stands beside the name."""
    settings = {key: setting for key, setting in SETTINGS.items() if key != "exec"}
    return Known(name, PRIORITY, settings, lambda _settings: "")


def fault(name: str) -> tuple[str, str]:
    """What is wrong with the name, and what to do; ("", "") for nothing."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        return "is not a name", f"small letters, digits, underscores and dots, {_LONGEST} at most, as in room.climate"
    word = taken(name)
    if word:
        return f"begins with {word}, as metrics of this program do", f"put another word first, as in my.{name}"
    return "", ""
