"""What is wrong with one configuration file, collected, so that a person mends it in one go."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from ..errors import ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Iterable

# A file of another kind can be wrong in every line; nobody reads on after so many.
SHOWN = 40


class Unfit(Exception):
    """A value does not fit its key. Whoever knows file, line and key makes a finding of it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class Findings:
    """The problems of the file `file`, each with its line (1 is the first) and key."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[tuple[int, ConfigProblem]] = []
        self._keys: set[str] = set()
        self._places: dict[str, str] = {}

    def add(self, line: int, key: str, what: str, hint: str = "") -> None:
        """`key` is dotted (`remote.url`), "" for the file itself."""
        where = self._places.get(key) or f"{self.file}:{line}" + (f": {key}" if key else "")
        self._keys.add(key)
        self._found.append((line, ConfigProblem(what, where=where, hint=hint)))

    def add_at(self, where: str, what: str, hint: str = "") -> None:
        """Of something that is not in the file."""
        self._found.append((0, ConfigProblem(what, where=where, hint=hint)))

    def place(self, key: str, where: str) -> None:
        """The value of `key` is not from the file but from there."""
        self._places[key] = where

    def add_unfit(self, line: int, key: str, unfit: Unfit) -> None:
        self.add(line, key, unfit.what, unfit.hint)

    def has(self, key: str) -> bool:
        return key in self._keys

    def raise_if_any(self) -> None:
        """Raises one ConfigProblem: the only finding, or one whose text has a line for each, in order."""
        found = [problem for _, problem in sorted(self._found, key=lambda item: item[0])]
        if len(found) == 1:
            raise found[0]
        if found:
            lines = [str(problem) for problem in found[:SHOWN]]
            if len(found) > SHOWN:
                lines.append(f"{self.file}: {len(found) - SHOWN} more problems")
            raise ConfigProblem("\n".join(lines))


def shown(text: str) -> str:
    """Foreign text made fit for one line of a message."""
    return ascii(text) if len(text) <= 40 else ascii(text[:40]) + "..."


def label(key: str) -> str:
    """A foreign key as part of a dotted name."""
    return key if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", key) else shown(key)


def similar(name: str, known: Iterable[str]) -> str:
    """ "did you mean X?" for a misspelt name, "" when nothing known is like it."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""
