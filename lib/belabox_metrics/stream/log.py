"""The journal, read on from where the last run stopped (sd-journal(3), systemd.journal-fields(7)).

By the C half of systemd-python: the rest of that module costs more to import than everything else here.
"""

# ruff: noqa: SLF001 - the names that the C half has

from __future__ import annotations

import time

from ..clock import BOOT_ID, by_now
from ..distribution import make_importable
from ..errors import NoData, SourceProblem
from ..source import is_directory, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Where the journal is that outlives a boot, and where one that does not.
PLACES = ("/var/log/journal", "/run/log/journal")
# The unit whose children are the stream's programs: it prints what they print, so the journal has it as its own.
UNIT = "belaUI.service"
MATCHES = ((f"_SYSTEMD_UNIT={UNIT}",), ("_TRANSPORT=kernel",))
# Bytes of a message; the lines looked for are far shorter.
MESSAGE = 4096
# Without a cursor: how far back what has happened is still news.
LOOK_BACK_MS = 60_000
# An entry that seems to be of so long ago is looked at again: the clock may have been set since.
DOUBTED_MS = 10_000


class Line:
    """One entry. `wall_ms`: Unix time at which the journal got it, by the clock of now. `kernel`: by the kernel, else
    by belaUI."""

    __slots__ = ("kernel", "text", "wall_ms")

    def __init__(self, wall_ms: int, kernel: bool, text: str) -> None:
        self.wall_ms = wall_ms
        self.kernel = kernel
        self.text = text


class Log:
    """The journal below `root`, from the entry behind `cursor` on; `rotated` is whether that entry is gone.

    cursor: as `cursor` of an earlier Log; "" or one that can't be read begins `LOOK_BACK_MS` before `now_ms`.
    Raises NoData where there is no journal or no reader of one, SourceProblem when it may not be read."""

    def __init__(self, root: str, cursor: str, now_ms: int) -> None:
        self._reader = _open(root)
        self._root = root
        self._now_ms, self._monotonic_us = now_ms, time.monotonic_ns() // 1000
        self._boot: bytes | None = None
        self._waiting = False
        self._moved = False
        self._cursor = cursor
        self.rotated = False
        for number, fields in enumerate(MATCHES):
            if number:
                self._reader.add_disjunction()
            for field in fields:
                self._reader.add_match(field)
        self._reader.data_threshold = MESSAGE
        if not (cursor and self._go_to(cursor)):
            self._reader.seek_realtime(max(now_ms - LOOK_BACK_MS, 0) * 1000)

    def lines(self) -> Iterator[Line]:
        """The entries, oldest first. One without a message is none, as belaUI prints an empty line now and then.

        Whoever stops taking them goes on there next time: `cursor` is then of the last one taken."""
        try:
            while self._waiting or self._reader._next():
                self._waiting = False
                wall_ms = self._wall_ms()
                self._moved = True
                text = self._field("MESSAGE")
                if text:
                    yield Line(wall_ms, self._field("_TRANSPORT") == "kernel", text)
        except (OSError, ValueError) as fault:
            raise SourceProblem(f"can't be read on: {fault}", where="the journal") from None

    @property
    def cursor(self) -> str:
        """Of the last entry that was taken; made only when asked for, since it costs as much as the entry."""
        if self._moved:
            self._moved = False
            self._cursor = self._reader._get_cursor()
        return self._cursor

    def _go_to(self, cursor: str) -> bool:
        """Behind the entry of the cursor, or to the first that is left after it."""
        try:
            self._reader.seek_cursor(cursor)
        except (OSError, ValueError):
            return False
        if self._reader._next():
            # A cursor is also true of the entry that took the place of one that is gone.
            self._waiting = self.rotated = not self._reader.test_cursor(cursor)
        return True

    def _wall_ms(self) -> int:
        """When the journal got the entry. A board without a battery wakes up in the past, and its clock is set when the
        first link is up: what was written just before, in this boot, is as long ago as the time since boot says."""
        wall_ms: int = self._reader._get_realtime() // 1000
        if abs(self._now_ms - wall_ms) <= DOUBTED_MS:
            return wall_ms
        if self._boot is None:
            self._boot = _boot(self._root)
        try:
            since_boot_us, boot = self._reader._get_monotonic()
        except OSError:
            return wall_ms
        if boot != self._boot:
            return wall_ms
        return by_now(wall_ms, self._now_ms, (self._monotonic_us - since_boot_us) // 1000)

    def _field(self, name: str) -> str:
        try:
            value = self._reader._get(name)
        except (KeyError, OSError):  # ENODATA, E2BIG, and a compression this library lacks
            return ""
        text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
        return text[:MESSAGE]


def _boot(root: str) -> bytes:
    """The id of this boot (random(4)), empty where that is not known."""
    try:
        return bytes.fromhex(read_text(root, BOOT_ID, 4096).strip().replace("-", ""))
    except (NoData, SourceProblem, ValueError):
        return b""


def _open(root: str) -> Any:
    make_importable()
    try:
        from systemd._reader import LOCAL_ONLY, SYSTEM, _Reader
    except ImportError:
        raise NoData("python3-systemd is not installed") from None
    places = [root + place for place in PLACES if is_directory(root + place)]
    if not places:
        raise NoData("there is no journal")
    try:
        reader = _Reader(flags=0, path=places[0]) if root else _Reader(SYSTEM | LOCAL_ONLY)
    except (OSError, ValueError) as fault:  # EINVAL comes as a ValueError
        raise SourceProblem(f"can't be opened: {fault}", where=places[0]) from None
    if not root and not (reader.has_persistent_files() or reader.has_runtime_files()):
        hint = "the unit must be in the group systemd-journal"
        raise SourceProblem("has no file that may be read", where=places[0], hint=hint)
    return reader
