"""The commands as sections of a man page, in the macros of man(7)."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .help import Argument, Help


def section(word: str, told: Help) -> str:
    """One command: how it is called, what it does, its arguments."""
    usage = told.usage.partition(f"belabox-metrics {word}")[2].replace("[-h]", "").split()
    lines = [f".SS {_escaped(word)}", f".B belabox\\-metrics {_escaped(word)}", _escaped(" ".join(usage))]
    lines += _paragraphs(told.paragraphs)
    for argument in told.arguments:
        if "--help" not in argument.flags:
            lines += [".TP", _name(argument), _escaped(argument.text)]
    return "\n".join([*lines, *_paragraphs(told.end)]) + "\n"


def _paragraphs(blocks: list[str]) -> list[str]:
    found = []
    for block in blocks:
        if "\n" in block:
            # A table: its breaks are meant.
            found += [".PP", ".nf", *map(_escaped, block.split("\n")), ".fi"]
        else:
            found += [".PP", _escaped(block)]
    return found


def _name(argument: Argument) -> str:
    """Flags in bold, what they take in italics."""
    if not argument.flags:
        return f"\\fI{_escaped(argument.name)}\\fR"
    return re.sub(r"(--?[a-z][a-z-]*)((?: (?:\{[^}]*\}|[^,]+))?)", _styled, argument.name)


def _styled(match: re.Match[str]) -> str:
    value = match[2].strip()
    return f"\\fB{_escaped(match[1])}\\fR" + (f" \\fI{_escaped(value)}\\fR" if value else "")


def _escaped(text: str) -> str:
    """Nothing in `text` is a request or an escape to roff; a dash is one that can be pasted."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{safe}" if safe[:1] in (".", "'") else safe
