"""The findings as lines for a terminal of any width, or as one object for a program."""

from __future__ import annotations

from ..printable import printable
from ..terminal import BAD, DOUBTFUL, GOOD
from .finding import NOTE, OK, PROBLEM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..terminal import Terminal
    from .finding import Finding

_COLOURS = {OK: GOOD, NOTE: DOUBTFUL, PROBLEM: BAD}


def lines(found: dict[str, list[Finding]], terminal: Terminal) -> list[str]:
    """Each group with its findings, what to do below each, and the sum."""
    shown = []
    for group, findings in found.items():
        shown.append(group)
        for finding in findings:
            first, *rest = terminal.wrapped(str(finding), " " * 11)
            head = "  " + terminal.paint(finding.level, _COLOURS[finding.level]) + " " * (9 - len(finding.level))
            shown += [head + first[11:], *rest]
            if finding.hint:
                # Not wrapped: a command with a line break in it can't be pasted.
                shown.append(" " * 11 + "-> " + printable(finding.hint, None))
    problems, notes = count(found, PROBLEM), count(found, NOTE)
    sums = f"{problems or 'no'} {'problem' if problems == 1 else 'problems'}"
    sums += f", {notes} {'note' if notes == 1 else 'notes'}" if notes else ""
    can = sum(finding.repair is not None for findings in found.values() for finding in findings)
    if can:
        sums += f"; sudo belabox-metrics doctor --repair mends {can} of them"
    return [*shown, "", *terminal.wrapped(sums, "")]


def document(found: dict[str, list[Finding]], done: list[str]) -> dict[str, Any]:
    """`repaired` are sentences about what --repair did."""
    return {
        "ok": not count(found, PROBLEM),
        "problems": count(found, PROBLEM),
        "notes": count(found, NOTE),
        "repaired": done,
        "findings": [
            {
                "group": group,
                "level": finding.level,
                "what": finding.what,
                "where": finding.where,
                "hint": finding.hint,
                "can_be_repaired": finding.repair is not None,
            }
            for group, findings in found.items()
            for finding in findings
        ],
    }


def count(found: dict[str, list[Finding]], level: str) -> int:
    return sum(finding.level == level for findings in found.values() for finding in findings)
