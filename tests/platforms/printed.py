"""The commands that README.md and docs/ print, so that what is run is what a person reads."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELL = ("", "bash", "sh", "console")
_INLINE = re.compile(r"`([^`\n]+)`")
# What follows two blanks, with a "#" or without, is said to the reader.
_REMARK = re.compile(r"\s{2,}\S.*$|\s+#\s.*$")


def command(start: str) -> str:
    """The shortest printed command that begins with `start`, README.md before the others.

    Raises LookupError when no page prints one: then the page or the walk has to change."""
    for page in (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))):
        found = [line for line in commands(page.read_text(encoding="utf-8")) if line.startswith(start)]
        if found:
            return min(found, key=len)
    raise LookupError(f"no page prints a command that begins with {start!r}")


def commands(text: str) -> list[str]:
    """Every line of a fenced block of shell, without prompt and remark, and whatever else is set as code."""
    lines = [line for kind, block in _FENCE.findall(text) if kind in _SHELL for line in block.splitlines()]
    lines += _INLINE.findall(_FENCE.sub("", text))
    return [_REMARK.sub("", line.strip().removeprefix("$ ")) for line in lines if line.strip()]
