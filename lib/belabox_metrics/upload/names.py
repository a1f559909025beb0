"""Names on the wire: stored names have dots, PromQL knows `[a-zA-Z_:][a-zA-Z0-9_:]*` and unit suffixes."""

from __future__ import annotations

import re

_NOT_IN_NAME = re.compile(r"[^a-zA-Z0-9_:]")
_NOT_IN_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_REGULAR = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:.]*")
# Stored under the names of the specification, which leave the unit out.
_UNITS = (("cpu_temperature", "_celsius"), ("thermal_zone_temp", "_celsius"))
# Labels that every series has; a tag of the same name keeps its value under another.
RESERVED = ("__name__", "device_id", "stored_as")


def metric_name(stored: str) -> str:
    """`cpu.temperature` -> `cpu_temperature_celsius`."""
    name = _NOT_IN_NAME.sub("_", stored)
    for family, unit in _UNITS:
        if name.startswith(family) and not name.endswith(unit):
            name += unit
    return _lettered(name)


def is_regular(stored: str) -> bool:
    """Whether dots are all that a metric's name must change."""
    return _REGULAR.fullmatch(stored) is not None


def label_name(tag: str) -> str:
    """A tag's key as a label; `device_id`, which every series has already, becomes `exported_device_id`."""
    label = _lettered(_NOT_IN_LABEL.sub("_", tag))
    return f"exported_{label}" if label in RESERVED else label


def _lettered(name: str) -> str:
    return name if name and not name[0].isdigit() else f"_{name}"
