"""Text from the network, or that a device or a program gave, made fit for a terminal."""

from __future__ import annotations

LIMIT = 80


def printable(text: str, limit: int | None = LIMIT) -> str:
    """`text` on one line, what a terminal would act on written as an escape, cut after `limit` characters
    where that is not None.

    Half a surrogate pair, which JSON can smuggle in and no terminal can show, is escaped as well."""
    cut = text[:limit]
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in cut)
    return f"{shown}..." if len(cut) < len(text) else shown
