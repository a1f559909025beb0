"""The first 100 bytes of a database, written anew where they are damaged: without them SQLite reads nothing at all.

What stands there is the same for each database of ours (https://www.sqlite.org/fileformat2.html#the_database_header);
the tables begin behind it. Only for one that was moved aside. What stood there before is kept beside it, in `.header`.
"""

from __future__ import annotations

import os

from .schema import APPLICATION_ID, PAGE_SIZE, VERSION

LENGTH = 100
MAGIC = b"SQLite format 3\x00"
# The root of the table of tables: a page of rows, or one above such.
_ROOTS = (0x05, 0x0D)


def mend(path: str) -> bool:
    """Whether the header of the database at `path` had to be written anew, and was. Raises OSError."""
    with open(path, "r+b") as file:
        found = file.read(LENGTH + 1)
        if len(found) <= LENGTH or found[LENGTH] not in _ROOTS or _is_whole(found):
            return False
        pages = os.fstat(file.fileno()).st_size // PAGE_SIZE
        with open(path + ".header", "wb") as before:
            before.write(found[:LENGTH])
            before.flush()
            os.fsync(before.fileno())
        file.seek(0)
        file.write(_made(pages))
    return True


def _is_whole(found: bytes) -> bool:
    made = _made(0)
    version = int.from_bytes(found[60:64], "big")
    return all(found[part] == made[part] for part in _FIXED) and 0 < version <= VERSION


# Magic, page size, ways of writing and reading, reserved bytes and fractions; format of the schema; encoding; whose.
_FIXED = (slice(0, 24), slice(44, 48), slice(56, 60), slice(68, 72))


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
