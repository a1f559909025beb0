"""A file for each day, of all that was sampled in it, packed: for who wants to keep every sample for longer than the
database does.

A run belongs to the day, UTC, in which its id falls, and ids only grow: so each run is in one file, and an hour is over
when there is a later run. What is rolled up already, when an archive is begun, is put in as that.

An hour is a part of its own, made soon after it, since a day at once would take more of the processor than the
collectors can spare; at the end of the day the parts are put together, which gzip allows. All files are whole or not
there, so whoever is killed has lost a part at most, which is made again.
"""

from __future__ import annotations

import gzip
import os
import re
import time
import zlib

from ..errors import StoreProblem, UsageProblem
from ..quantity import shown
from ..store import importer
from ..store.settings import first, section
from ..upload.correction import Correction
from .file import NO_PLACE, WholeFile, unwritable
from .lines import JsonLines
from .stored import HOUR_MS, Stored, Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import Callable

    from ..clock import Moment

DAY_MS = 24 * HOUR_MS
# What holds while nothing is compiled: as in config/keys.py; a test holds them equal.
KEEP_MS = 90 * DAY_MS
# Of the file system is left free: what is archived must not be what stops the sampling.
RESERVE_BYTES = 256 * 10**6
LARGEST_RESERVE = 20
MOST_PARTS = 10**6
_DAY_FILE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.jsonl\.gz")
_PART = re.compile(r"[0-9]{2}\.jsonl\.gz")
_PARTS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.parts")
_PARTIAL = re.compile(r"\.[0-9]{4}-[0-9]{2}-[0-9]{2}\.jsonl\.gz\.[0-9]+\.partial")
_PIECE = 1 << 20
_LEVEL = 6


class Settings:
    """`path`: the directory. `keep_ms`: for how long a day is kept after its end."""

    def __init__(self, connection: Connection, database: str) -> None:
        given = section(connection, "storage.archive")
        self.enabled = bool(first(given, "enabled", 0))
        self.path = str(first(given, "path", "")) or os.path.join(os.path.dirname(database), "archive")
        self.keep_ms = int(first(given, "keep_ms", KEEP_MS))


class Archived:
    """`days`: names of the files that were made; `parts`: hours that were packed; `removed`: files that were too old;
    `size`: bytes of the files that were made."""

    def __init__(self) -> None:
        self.days: list[str] = []
        self.parts = 0
        self.removed: list[str] = []
        self.size = 0


class Archive:
    """The archive of the database at `database`, read through `connection` in short transactions.

    `rest` is called after each page, `is_over` before each part: nothing is begun any more where it says so, nor when
    `most` parts are made."""

    def __init__(
        self,
        connection: Connection,
        database: str,
        settings: Settings,
        rest: Callable[[], None] = lambda: None,
        is_over: Callable[[], bool] = lambda: False,
        most: int = MOST_PARTS,
    ) -> None:
        self._connection = connection
        self._database = database
        self._settings = settings
        self._rest = rest
        self._is_over = is_over
        self._most = most
        self._device_id = str(first(section(connection, "device"), "id", ""))

    def run(self, moment: Moment, now_ms: int) -> Archived:
        """Pack the hours that are over, put the days together that are, remove what is too old. `now_ms`: to judge ages
        by. What was done before stays done when it fails.

        Raises StoreProblem where the directory can't be written, or the disk is nearly full."""
        done = Archived()
        if self._settings.enabled:
            theirs = f"sudo install -d -o metrics -g metrics {self._settings.path}"
            try:
                self._run(moment, now_ms - self._settings.keep_ms, done)
            except OSError as error:
                hint = theirs if error.errno in NO_PLACE else ""
                raise unwritable(str(error.filename or self._settings.path), error, hint) from error
            except UsageProblem as error:
                # Nobody has named this file in a command line.
                raise StoreProblem(error.what, where=error.where, hint=error.hint or theirs) from error
        return done

    def _run(self, moment: Moment, oldest_ms: int, done: Archived) -> None:
        _make(self._settings.path, self._database)
        self._tidy(oldest_ms, done)
        stored = Stored(self._connection, Correction(self._connection, moment), Wanted())
        whole_ms = _whole_ms(self._connection)
        for day_ms in self._days(stored, max(oldest_ms // DAY_MS * DAY_MS, 0)):
            for hour_ms in self._hours(day_ms, stored):
                if hour_ms < whole_ms:
                    continue
                if self._is_over() or done.parts == self._most:
                    return
                self._pack(stored, hour_ms)
                done.parts += 1
            if day_ms >= whole_ms and day_ms + DAY_MS <= stored.last:
                self._put_together(day_ms, done)

    def _days(self, stored: Stored, day_ms: int) -> list[int]:
        """From `day_ms` on, those in which there is something and that have no file yet."""
        days = _lengths(stored, day_ms, stored.last + 1, DAY_MS)
        return [day_ms for day_ms in days if not os.path.lexists(self._file(day_ms))]

    def _hours(self, day_ms: int, stored: Stored) -> list[int]:
        """Those of a day that are over, in which there is something and that are not packed yet."""
        over = min(stored.last // HOUR_MS * HOUR_MS, day_ms + DAY_MS)
        hours = _lengths(stored, day_ms, over, HOUR_MS)
        return [hour_ms for hour_ms in hours if not os.path.lexists(self._part(hour_ms))]

    def _pack(self, stored: Stored, hour_ms: int) -> None:
        self._need_room()
        _make(os.path.dirname(self._part(hour_ms)), self._database)
        writer = JsonLines(self._device_id, stored.shapes)
        with WholeFile(self._part(hour_ms), replace=True, like=os.stat(self._database)) as file:
            # Neither a name nor a time is in it: the same samples are the same bytes.
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
            for page in stored.pages(hour_ms, hour_ms + HOUR_MS):
                file.write(packer.compress(writer.page(page)))
                self._rest()
            file.write(packer.flush())

    def _put_together(self, day_ms: int, done: Archived) -> None:
        path, folder = self._file(day_ms), self._parts(day_ms)
        names = sorted(filter(_PART.fullmatch, os.listdir(folder))) if os.path.isdir(folder) else []
        if not names:
            return
        with WholeFile(path, replace=True, like=os.stat(self._database)) as file:
            for name in names:
                self._check(os.path.join(folder, name))
                with open(os.path.join(folder, name), "rb") as part:
                    while piece := part.read(_PIECE):
                        file.write(piece)
                self._rest()
        # The file is on the disk: the parts may go.
        _remove(folder)
        done.days.append(os.path.basename(path))
        done.size += os.stat(path).st_size

    def _check(self, part: str) -> None:
        """Reads all of it, and so its checksum. A part that is damaged is removed, for it to be made again."""
        try:
            with gzip.open(part) as content:
                while content.read(_PIECE):
                    pass
        except (OSError, EOFError, zlib.error) as error:
            os.unlink(part)
            raise StoreProblem(f"is damaged and was removed: {error}", where=part, hint="it is made again") from error

    def _tidy(self, oldest_ms: int, done: Archived) -> None:
        """Remove days that are too old, and what somebody who was killed has left."""
        names = set(os.listdir(self._settings.path))
        for name in sorted(names):
            path = os.path.join(self._settings.path, name)
            day = _DAY_FILE.fullmatch(name)
            parts = _PARTS.fullmatch(name)
            if day and day[1] < _day(oldest_ms):
                os.unlink(path)
                done.removed.append(name)
            elif parts and (f"{parts[1]}.jsonl.gz" in names or parts[1] < _day(oldest_ms)):
                _remove(path)
            elif _PARTIAL.fullmatch(name):
                os.unlink(path)

    def _need_room(self) -> None:
        disk = os.statvfs(self._settings.path)
        free = disk.f_bavail * disk.f_frsize
        reserve = min(RESERVE_BYTES, disk.f_blocks * disk.f_frsize // LARGEST_RESERVE)
        if free < reserve:
            what = f"only {shown('_bytes', free)} are free: nothing is archived"
            hint = "free some space, or shorten storage.archive.keep"
            raise StoreProblem(what, where=self._settings.path, hint=hint)

    def _file(self, day_ms: int) -> str:
        return os.path.join(self._settings.path, f"{_day(day_ms)}.jsonl.gz")

    def _parts(self, day_ms: int) -> str:
        return os.path.join(self._settings.path, f"{_day(day_ms)}.parts")

    def _part(self, hour_ms: int) -> str:
        hour = hour_ms // HOUR_MS % 24
        return os.path.join(self._parts(hour_ms), f"{hour:02}.jsonl.gz")


def _whole_ms(connection: Connection) -> int:
    """From where on nothing can come in any more: while the runs of another database follow, what is below the first of
    this one is not whole."""
    state = importer.standing(connection)
    return state.upto if state is not None and not state.done else 0


def _day(at_ms: int) -> str:
    """`2026-11-20`, UTC: a day of 24 hours everywhere and always."""
    return time.strftime("%Y-%m-%d", time.gmtime(max(0, at_ms) // 1000))


def _lengths(stored: Stored, begin_ms: int, end_ms: int, length_ms: int) -> Iterator[int]:
    """The beginnings of the hours, or days, in [begin_ms, end_ms) in which there is something."""
    while begin_ms < end_ms:
        there_ms = stored.next_ms(begin_ms - 1, begin_ms, end_ms)
        if there_ms is None:
            return
        begin_ms = there_ms // length_ms * length_ms
        yield begin_ms
        begin_ms += length_ms


def _remove(folder: str) -> None:
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    os.rmdir(folder)


def _make(directory: str, database: str) -> None:
    """Who may read the database may read what is archived; the umask of the job would have it otherwise."""
    if not os.path.isdir(directory):
        os.mkdir(directory)
        mode = os.stat(database).st_mode & 0o777
        # Who may read a directory must be able to search it.
        os.chmod(directory, mode | (mode & 0o444) >> 2)
