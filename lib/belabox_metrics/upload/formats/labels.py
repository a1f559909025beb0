"""The labels of a stored series, such that every server keeps all of them as they are and no two series become one.

Servers drop or cut in silence what is too much: VictoriaMetrics more than 30 or 40 labels, values longer than 4 or 16
KB, names longer than 256 bytes, labels without a value, and a whole series whose labels together are longer than 64 KB
as its index spells them. So what is over these bounds is cut or left out here, and the label `stored_as`, the series as
it is stored, tells the series from its like.
"""

from __future__ import annotations

import hashlib

from ...json_text import parse
from ..names import is_regular, label_name, metric_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.queue import Series

# Bytes. Each is below the bounds of VictoriaMetrics since 2022 and of Mimir, and all of them together are below 64 KB
# even when each byte takes two.
LONGEST_NAME = 200
LONGEST_VALUE = 1024
MOST_TAGS = 24
_DIGITS = 16


def labels_of(series: Series, device_id: str) -> dict[str, str]:
    """`__name__`, `device_id` and a label for each tag; `stored_as` where the others do not say it all."""
    name, tags = series
    given = tags_of(tags)
    whole = given is not None and is_regular(name) and len(name) <= LONGEST_NAME
    found = {"__name__": metric_name(name)[:LONGEST_NAME], "device_id": _cut(utf8(device_id))}
    if not device_id:
        del found["device_id"]
    most = len(found) + MOST_TAGS
    # A key that may stay as it is goes before one that would become the same label.
    for label, key in sorted([(label_name(key)[:LONGEST_NAME], key) for key in given or {}], key=_changed_last):
        text = (given or {})[key]
        value = _cut(utf8(text))
        if not value or label in found or len(found) == most:
            whole = False
            continue
        found[label] = value
        whole = whole and label == key and value == text
    if not whole:
        found["stored_as"] = _told_apart(utf8(f"{name}{tags or '{}'}"))
    return found


def tags_of(tags: str) -> dict[str, str] | None:
    """What the canonical text of tags says; None for a text that is damaged."""
    if not tags:
        return {}
    try:
        found = parse(tags)
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return None
    return found


def utf8(text: str) -> str:
    """`text`, half surrogate pairs as the six characters that name them: no encoding of Unicode has them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _changed_last(pair: tuple[str, str]) -> tuple[bool, str]:
    label, key = pair
    return label != key, key


def _cut(text: str, longest: int = LONGEST_VALUE) -> str:
    """At most so many bytes, of whole characters."""
    if len(text) * 4 <= longest:
        return text
    return text.encode("utf-8")[:longest].decode("utf-8", "ignore")


def _told_apart(text: str) -> str:
    """At most LONGEST_VALUE bytes; a digest stands for what is cut off."""
    start = _cut(text)
    if start == text:
        return text
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:_DIGITS]
    return f"{_cut(text, LONGEST_VALUE - 1 - _DIGITS)}~{digest}"
