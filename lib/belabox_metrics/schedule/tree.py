"""The directory of unit files: what of ours is in it, what should be, and the way from one to the other.

The names of what is about to change are written down first and crossed out by done(), when systemd knows of
it all: whatever a crash interrupts is taken up by the next apply.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
from typing import NamedTuple

from ..errors import Problem
from . import files
from .units import CLOCK, COLLECT, DROP_INS, HEADER, MAINTAIN, OPTIONAL, UPLOAD, WANTS

# No unit has such names, so systemd looks past them.
PENDING = "belabox-metrics.pending"
# What all of this was made of: by that belabox-metrics-apply.service knows at a start what was saved meanwhile.
APPLIED = "belabox-metrics.applied"

TIMERS = (COLLECT.format("*"), UPLOAD, CLOCK, MAINTAIN)
# Where a link points when its unit is not in this directory.
SHIPPED = "/usr/lib/systemd/system"


class Difference(NamedTuple):
    """Paths below the directory. `write` differ or are missing, `remove` are ours and no longer wanted,
    `foreign` should be ours but somebody else wrote them: they are left as they are."""

    write: list[str]
    remove: list[str]
    foreign: list[str]


class Tree:
    """`directory` is where an administrator's units are, /etc/systemd/system. Everything here raises Problem
    when it can't be read or written."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def compare(self, texts: dict[str, str], wanted: list[str]) -> Difference:
        """How the directory differs from `texts` (path -> text) and from links for each unit in `wanted`."""
        links = {f"{WANTS}/{unit}": unit for unit in wanted}
        difference = Difference([], [], [])
        for path, text in texts.items():
            if self.is_foreign(path):
                difference.foreign.append(path)
            elif self.text(path) != text:
                difference.write.append(path)
        for path, unit in links.items():
            if self._target(path) != self._points_to(unit, texts):
                difference.write.append(path)
        for path in self._ours():
            if path in texts or path in links:
                continue
            if not self.is_foreign(os.path.basename(path) if path.startswith(WANTS) else path):
                difference.remove.append(path)
        return difference

    def change(self, difference: Difference, texts: dict[str, str]) -> None:
        """Write and remove what compare() found."""
        changing = [*difference.write, *difference.remove]
        if not changing:
            return
        with files.explained():
            names = sorted({*self.pending(), *changing})
            files.write(self._full(PENDING), "".join(f"{name}\n" for name in names))
            for path in difference.write:
                if path in texts:
                    files.write(self._full(path), texts[path])
                else:
                    files.link(self._full(path), self._points_to(os.path.basename(path), texts))
            # Links first: systemd would complain of one that leads nowhere.
            for path in sorted(difference.remove, key=lambda path: not path.startswith(WANTS)):
                files.remove(self._full(path))

    def put_back(self, path: str, text: str | None) -> None:
        """Make one file what it was before change(): None for none. It stays pending: the next apply tries again."""
        with files.explained():
            if text is not None:
                files.write(self._full(path), text)
            elif self.text(path) is not None:
                files.remove(self._full(path))

    def pending(self) -> set[str]:
        """What has changed, or was about to, since the last done()."""
        return set((self.text(PENDING) or "").split("\n")) - {""}

    def done(self) -> None:
        """systemd has taken over all changes."""
        with files.explained():
            for path in (*self.pending(), PENDING):
                files.forget_new(self._full(path))
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._full(PENDING))

    def note_applied(self, identities: str) -> None:
        """Which files this was made of; "" when it could not be, so that the next start tries again. That is also what
        becomes of one that can't be written."""
        path = self._full(APPLIED)
        with contextlib.suppress(OSError, Problem):
            if not identities:
                os.unlink(path)
            elif self.text(APPLIED) != identities:
                files.write(path, identities)

    def _ours(self) -> list[str]:
        """Everything that has a name of ours, whoever wrote it."""
        with files.explained():
            found = [name for name in os.listdir(self.directory) if _matches(name, TIMERS)]
        found += [path for path in DROP_INS if os.path.lexists(self._full(path))]
        with files.explained(), contextlib.suppress(FileNotFoundError):
            names = os.listdir(self._full(WANTS))
            found += [f"{WANTS}/{name}" for name in names if _matches(name, (*TIMERS, *OPTIONAL))]
        return sorted(found)

    def is_foreign(self, path: str) -> bool:
        """Something is at `path` that we did not write: another file, or the link that masks a unit."""
        text = self.text(path)
        return text is not None and not text.startswith(HEADER)

    def text(self, path: str) -> str | None:
        """What a file says: None when there is nothing, "" for what is no file."""
        full = self._full(path)
        if not os.path.lexists(full):
            return None
        if os.path.islink(full) or not os.path.isfile(full):
            return ""
        with files.explained(), open(full, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()

    def _target(self, path: str) -> str | None:
        try:
            return os.readlink(self._full(path))
        except OSError:
            return None

    def _points_to(self, unit: str, texts: dict[str, str]) -> str:
        here = unit in texts or os.path.lexists(self._full(unit))
        return f"../{unit}" if here else f"{SHIPPED}/{unit}"

    def _full(self, path: str) -> str:
        return os.path.join(self.directory, path)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
