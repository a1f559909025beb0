"""Runs out of pages that no table leads to any more, as the page above them is damaged, or gone with the end of a file.

A page of rows says so in its first byte, and a row says of what kind its columns are: those of runs are like no others.
So each page of the file, and of its log, is looked at by itself. The format of pages and rows is from
https://www.sqlite.org/fileformat2.html, sections 1.5, 2.1 and 2.3. Rows that go on in other pages are left.

What was deleted long ago may still stand in a page that is free. So this is for ids alone that nothing else can read.
"""

from __future__ import annotations

import errno
import os
from array import array

from .schema import PAGE_SIZE
from .wreck import END

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from .wreck import Row

_ROWS = 0x0D
# 32 bytes of the log before the first page, 24 before each.
_LOG_HEAD, _FRAME_HEAD = 32, 24
_FRAME = _FRAME_HEAD + PAGE_SIZE
_COLUMNS = 13
# A row that is longer has the rest of it elsewhere.
_LONGEST = PAGE_SIZE - 35
# Ids of runs are times in ms: from 2001 on.
_LEAST_ID = 10**12


class Carving:
    """All rows of runs in the file at `path` and its log, by id; where they lie is 16 bytes a row in memory."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._ids = array("q")
        self._places = array("q")
        found: list[tuple[int, int]] = []
        # Of the same id what was written last counts: in the log, and there at its end.
        for file, first, step in ((path, 0, PAGE_SIZE), (path + "-wal", _LOG_HEAD, _FRAME)):
            try:
                with open(file, "rb") as opened:
                    found += _index(opened, first, step, len(path) != len(file))
            except OSError:
                continue
        found.sort(key=lambda entry: entry[0])
        for number, place in found:
            if self._ids and self._ids[-1] == number:
                self._places[-1] = place
                continue
            self._ids.append(number)
            self._places.append(place)

    def runs(self, after: int) -> Iterator[Row]:
        """The rows behind the id `after`, in their order, with the columns of the table."""
        with open(self._path, "rb") as file:
            try:
                log = open(self._path + "-wal", "rb")  # noqa: SIM115 - closed below
            except OSError:
                log = None
            try:
                for number, place in zip(self._ids, self._places):
                    source = file if place >= 0 else log
                    if number <= after or source is None:
                        continue
                    at = place if place >= 0 else -place - 1
                    # To the end of its page: the next may be in a sector that can't be read.
                    left = PAGE_SIZE - (at % PAGE_SIZE if place >= 0 else (at - _LOG_HEAD) % _FRAME - _FRAME_HEAD)
                    source.seek(at)
                    row = _row(source.read(left), 0)
                    if row is not None:
                        yield row
            finally:
                if log is not None:
                    log.close()


def _index(file: BinaryIO, first: int, step: int, is_log: bool) -> list[tuple[int, int]]:
    """(id, where in the file) of each row; in the log less than 0."""
    found = []
    head = _FRAME_HEAD if is_log else 0
    for begin, end in _written(file.fileno()):
        # From the beginning of a page.
        at = first + max(0, begin - first) // step * step
        while at < end:
            try:
                file.seek(at)
                block = file.read(step)
            except OSError:  # a sector that the card does not give back; what lies behind it may be had
                at += step
                continue
            if not block:
                break
            page = block[head:]
            for offset in _cells(page):
                row = _row(page, offset)
                if row is not None:
                    place = at + head + offset
                    found.append((row[0], -place - 1 if is_log else place))
            at += step
    return found


def _written(descriptor: int) -> Iterator[tuple[int, int]]:
    """The stretches of the file that something was written to: a file of a terabyte may be one hole. Where the file
    system does not tell, lseek(2) has the whole of it as one."""
    end = 0
    while True:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.EINVAL:
                yield end, os.fstat(descriptor).st_size
            return  # ENXIO: nothing behind
        yield begin, end


def _cells(page: bytes) -> list[int]:
    """Where the rows of a page begin; none in one of another kind."""
    if len(page) < PAGE_SIZE or page[0] != _ROWS:
        return []
    count = int.from_bytes(page[3:5], "big")
    if count * 2 + 8 > PAGE_SIZE:
        return []
    places = [int.from_bytes(page[8 + 2 * at : 10 + 2 * at], "big") for at in range(count)]
    return [place for place in places if 8 + 2 * count <= place < PAGE_SIZE]


def _row(page: bytes, at: int) -> Row | None:
    """The run that begins there; None for what is none."""
    try:
        length, at = _varint(page, at)
        number, at = _varint(page, at)
        if not _LEAST_ID <= number < END or not 0 < length <= _LONGEST or at + length > len(page):
            return None
        size, place = _varint(page, at)
        kinds = []
        end = at + size
        while place < end:
            kind, place = _varint(page, place)
            kinds.append(kind)
        if len(kinds) != _COLUMNS or place != end:
            return None
        row: list[object] = []
        for kind in kinds:
            value, end = _value(page, end, kind)
            row.append(value)
    except (IndexError, ValueError):
        return None
    # The key stands before the row, and null in its place.
    if end != at + length or row[0] is not None:
        return None
    # Of schema 3, which kept the time itself and not by how much the id is ahead of it.
    if isinstance(row[2], int) and row[2] >= _LEAST_ID:
        row[2] = number - row[2]
    return (number, *row[1:])


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = page[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | page[at + 8], at + 9


_WIDTHS = (0, 1, 2, 3, 4, 6, 8)


def _value(page: bytes, at: int, kind: int) -> tuple[object, int]:
    """The value of a column, and where the next begins. Raises ValueError for a kind that no column of runs has."""
    if kind == 0:
        return None, at
    if kind < len(_WIDTHS):
        end = at + _WIDTHS[kind]
        return int.from_bytes(page[at:end], "big", signed=True), end
    if kind in (8, 9):
        return kind - 8, at
    if kind < 13 or kind % 2 == 0:
        raise ValueError("no column of runs")
    end = at + (kind - 13) // 2
    return page[at:end].decode("utf-8", "replace"), end
