"""Text made fit for HTML and SVG: what a device, a network or a program calls itself is never markup."""

from __future__ import annotations

_REPLACED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_UNSEEN = "\N{REPLACEMENT CHARACTER}"


def escaped(text: str, limit: int | None = None) -> str:
    """`text` for the inside of an element or of a quoted attribute, cut after `limit` characters where that is not
    None. What no reader can see, a control character or half a surrogate pair, is one replacement character."""
    cut = text if limit is None or len(text) <= limit else text[:limit] + "…"
    return "".join([_REPLACED.get(char, char if char.isprintable() or char == "\n" else _UNSEEN) for char in cut])
