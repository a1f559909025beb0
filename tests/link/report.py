"""The figures as a person reads them."""

from __future__ import annotations

from typing import Any

_COLUMNS = (
    ("phase", "phase"),
    ("seconds", "s"),
    ("runs", "runs"),
    ("runs_late", "late"),
    ("store_median_ms", "store ms"),
    ("store_longest_ms", "longest"),
    ("uploads", "uploads"),
    ("uploads_failed", "failed"),
    ("killed", "killed"),
    ("critical_median_s", "P0 s"),
    ("critical_worst_s", "worst"),
    ("first_accepted_s", "first s"),
    ("caught_up_s", "all s"),
    ("modes", "modes"),
)
LEGEND = (
    "store: the lock and the transaction of a collection. P0: from a critical sample of this phase to the server's\n"
    "acceptance. first, all: from the start of the phase until the server accepted something, and all that had been\n"
    "sampled before it, priority 3 apart; normal priority waits up to thirty seconds on the best link."
)


def table(rows: list[dict[str, Any]]) -> str:
    lines = [[head for _, head in _COLUMNS], *([_cell(row[key]) for key, _ in _COLUMNS] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_COLUMNS))]
    # Words to the left, numbers to the right.
    left = (0, len(_COLUMNS) - 1)
    return "\n".join(
        "  ".join(cell.ljust(width) if at in left else cell.rjust(width) for at, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths)) for line in lines)
    )


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}:{count}" for key, count in value.items())
    return "-" if value is None else str(value)
