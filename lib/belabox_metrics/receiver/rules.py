"""What a sample must be. Each function returns "" for what is right, else what is wrong and how it should be.

The limits are those beyond which VictoriaMetrics drops or changes a sample and still answers 204: labels in all 30
(`-maxLabelsPerTimeseries` of 1.79), names of 256 and values of 4096 bytes (`-maxLabelNameLen` and `-maxLabelValueLen`
of newer ones), timestamps more than two days ahead.
"""

from __future__ import annotations

import math
import re

from ..printable import printable

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_DOTTED = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z0-9_]+)*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

LABELS = 30
LABEL_BYTES = 256
VALUE_BYTES = 4096
# September 2001, the first of 13 digits. Before it are seconds, and clocks that were never set.
EARLIEST_MS = 10**12
AHEAD_MS = 2 * 24 * 3600 * 1000

_KINDS = {dict: "an object", list: "an array", str: "text", bool: "true or false", type(None): "null"}


def kind(value: object) -> str:
    """What a JSON value is, for a person."""
    return _KINDS.get(type(value), "a number")


def wrong_metric(name: object) -> str:
    """A name as PromQL has it."""
    return _wrong_name(name, _METRIC, "[a-zA-Z_:][a-zA-Z0-9_:]*, as cpu_usage_percent")


def wrong_dotted(name: object) -> str:
    """A name as the documents have it, which may have dots."""
    return _wrong_name(name, _DOTTED, "words of [a-zA-Z0-9_] with dots between, as cpu.usage")


def wrong_label(name: str) -> str:
    return _wrong_name(name, _LABEL, "[a-zA-Z_][a-zA-Z0-9_]*, as core")


def wrong_text(value: object) -> str:
    """What a label or an identifier may hold."""
    if not isinstance(value, str):
        return f"is {kind(value)}, must be text"
    if not value:
        return "is empty, which is the same as none"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "has half a surrogate pair, which is no Unicode"
    return f"has {size} bytes, must have at most {VALUE_BYTES}" if size > VALUE_BYTES else ""


def wrong_number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"is {kind(value)}, must be a number"
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    return "" if finite else "is greater than a double can be"


def wrong_time(value: object, now_ms: int) -> str:
    """A timestamp in Unix ms."""
    if isinstance(value, bool) or not isinstance(value, int):
        return f"is {'not whole' if isinstance(value, float) else kind(value)}, must be whole milliseconds"
    if value < EARLIEST_MS:
        guess = "seconds?" if value >= EARLIEST_MS // 1000 else "before 2001:"
        return f"is {value}: {guess} must be milliseconds since 1970, as {now_ms}"
    if value > now_ms + AHEAD_MS:
        guess = "micro- or nanoseconds?" if value > now_ms * 100 else "over two days ahead:"
        return f"is {printable(str(value))}: {guess} must be milliseconds since 1970, as {now_ms}"
    return ""


def _wrong_name(name: object, pattern: re.Pattern[str], rule: str) -> str:
    if not isinstance(name, str):
        return f"is {kind(name)}, must be text"
    if len(name) > LABEL_BYTES:
        return f"has {len(name)} characters, must have at most {LABEL_BYTES}"
    return "" if pattern.fullmatch(name) else f"is {printable(name) or 'empty'!r}, must be {rule}"
