"""The tags of a series as they are stored, canonical JSON (sample.py), taken apart again."""

from __future__ import annotations

from ..json_text import parse


def tags_of(canonical: str) -> dict[str, str]:
    """{} for a text that is no JSON object: no program of ours has written it, and it must not hide its neighbours."""
    try:
        tags = parse(canonical or "{}")
    except (TypeError, ValueError):  # any column may hold bytes, too
        return {}
    return {key: str(value) for key, value in tags.items()} if isinstance(tags, dict) else {}
