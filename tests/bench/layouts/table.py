"""Results as a table of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

KIB, MIB = 1024, 1024 * 1024


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(shown, row)) + " |", flush=True)


def shown(value: Any) -> str:
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
