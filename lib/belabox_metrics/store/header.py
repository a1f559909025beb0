"""The first 100 bytes of a database: judged where SQLite does not, and written anew where nothing can be read for them.

What stands there is nearly the same for each database of ours; the tables begin behind it. The format is from
https://www.sqlite.org/fileformat2.html#the_database_header
"""

from __future__ import annotations

import posix as os  # as environment.py says

from .schema import APPLICATION_ID, PAGE_SIZE, VERSION

LENGTH = 100
MAGIC = b"SQLite format 3\x00"
# The root of the table of tables: a page of rows, or one above such.
_ROOTS = (0x05, 0x0D)


# As many as SQLite can count, whatever the size of the file says.
_MOST_PAGES = 2**32 - 2
# Written and read by a journal or, as ours, by a log. A person may have changed that, in both.
_VERSIONS, _KNOWN = slice(18, 20), (b"\x01\x01", b"\x02\x02")


def fault(path: str) -> str:
    """What is wrong with the header of a database of ours that SQLite does not find wrong, "" for nothing: it takes one
    for read-only, or for one without a log, when one of two bytes is another.

    Closes the file, and with that SQLite's own locks of this process are gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        found = os.read(descriptor, LENGTH)
    finally:
        os.close(descriptor)
    ours = found[:16] == MAGIC and found[68:72] == APPLICATION_ID.to_bytes(4, "big")
    if ours and found[_VERSIONS] not in _KNOWN:
        return "the database is damaged: its header names another way of writing"
    return ""


def mend(path: str) -> bool:
    """Whether the header of the database at `path`, which was moved aside, had to be written anew, and was. What stood
    there before is kept beside it, in `.header`. Raises OSError."""
    with open(path, "r+b") as file:
        found = file.read(LENGTH + 1)
        pages = min(os.fstat(file.fileno()).st_size // PAGE_SIZE, _MOST_PAGES)
        if len(found) <= LENGTH or found[LENGTH] not in _ROOTS or _is_whole(found, pages):
            return False
        with open(path + ".header", "wb") as before:
            before.write(found[:LENGTH])
            before.flush()
            os.fsync(before.fileno())
        file.seek(0)
        file.write(_made(pages))
    return True


def _is_whole(found: bytes, pages: int) -> bool:
    made = _made(pages)
    version = int.from_bytes(found[60:64], "big")
    return all(found[part] == made[part] for part in _FIXED) and 0 < version <= VERSION


# Magic, page size, ways of writing and reading, reserved bytes, fractions; pages; format of schema; encoding; whose.
_FIXED = (slice(0, 24), slice(28, 32), slice(44, 48), slice(56, 60), slice(68, 72))


def _made(pages: int) -> bytes:
    made = bytearray(LENGTH)

    def put(at: int, number: int, length: int = 4) -> None:
        made[at : at + length] = number.to_bytes(length, "big")

    made[:16] = MAGIC
    put(16, PAGE_SIZE, 2)
    made[18:24] = bytes((2, 2, 0, 64, 32, 32))
    # The count of pages holds where the two counters of changes are the same.
    put(24, 1)
    put(28, pages)
    put(40, 1)
    put(44, 4)
    put(56, 1)
    put(60, VERSION)
    put(68, APPLICATION_ID)
    put(92, 1)
    put(96, 3_040_001)
    return bytes(made)
