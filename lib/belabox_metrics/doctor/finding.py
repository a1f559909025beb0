"""What an examination finds."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Optional

    Repair = Optional[Callable[[], str]]

# As it should be; worth knowing, or not to be seen by this user; to be mended.
OK, NOTE, PROBLEM = "ok", "note", "problem"


class Finding(NamedTuple):
    """`what` is so, `where`, and what to do: a command to paste where there is one. `repair` does it, and says what it
    did; None where that is not for a program to decide. Raises Problem or OSError when it can't."""

    level: str
    what: str
    where: str = ""
    hint: str = ""
    repair: Repair = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


def ok(what: str, where: str = "") -> Finding:
    return Finding(OK, what, where)


def note(what: str, where: str = "", hint: str = "") -> Finding:
    return Finding(NOTE, what, where, hint)


def problem(what: str, where: str = "", hint: str = "", repair: Repair = None) -> Finding:
    return Finding(PROBLEM, what, where, hint, repair)
