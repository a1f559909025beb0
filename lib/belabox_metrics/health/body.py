"""A report as JSON text, without the `json` package: importing that costs as much as starting the interpreter."""

from __future__ import annotations

from ..json_text import quote


def text(value: object, margin: str = "\n") -> str:
    """`value`, of dict, list, str, int, float, bool and None, as indented JSON in ASCII."""
    if isinstance(value, dict):
        inner = margin + "  "
        entries = [f"{inner}{quote(str(key))}: {text(entry, inner)}" for key, entry in value.items()]
        return f"{{{','.join(entries)}{margin}}}" if entries else "{}"
    if isinstance(value, list):
        inner = margin + "  "
        return f"[{','.join(inner + text(entry, inner) for entry in value)}{margin}]" if value else "[]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return repr(value)
    return quote(str(value))
