"""What is wrong with one body, so that whoever built it mends all of it in one go."""

from __future__ import annotations

# A body of another kind can be wrong in every line; nobody reads on after so many.
SHOWN = 20
# Nor is looked any further after so many: a body of garbage would take minutes.
ENOUGH = 1000


class Findings:
    """`shown` holds the first (where, what), `count` is how many there are."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.count = 0

    def add(self, where: str, what: str) -> None:
        """`where` is a line, an entry or "body"; `what` says what is there and how it should be."""
        self.count += 1
        if self.count <= SHOWN:
            self.shown.append((where, what))

    def enough(self) -> bool:
        return self.count >= ENOUGH

    def document(self) -> dict[str, object]:
        """As the answer tells it."""
        errors = [{"where": where, "what": what} for where, what in self.shown]
        return {"success": False, "errors": errors, "error_count": self.count}

    def lines(self) -> list[str]:
        """As a person reads it."""
        lines = [f"{where}: {what}" for where, what in self.shown]
        if self.count > len(lines):
            rest = ", and the rest was not looked at" if self.enough() else ""
            lines.append(f"and {self.count - len(lines)} more{rest}")
        return lines
