"""A file that stands for room: given back when the disk is full, for those who can do something about it.

What is sent must be written down as sent, and what is pruned as gone; both begin with a page in the log. So while there
is room some is set aside, as much as the log grows to between two checkpoints. On a full disk the uploader, and who
prunes, remove it and fold the log into the database first, whose own free pages are taken before new ones.
"""

from __future__ import annotations

import posix as os  # as environment.py says

from ..errors import Problem
from . import quarantine, room
from .checkpoint import LOG_LIMIT
from .ownership import made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .database import Store

BYTES = LOG_LIMIT + LOG_LIMIT // 2
# Less than this is a full disk to somebody who is about to write.
SHORT_BYTES = 256 * 1024
_SUFFIX = ".reserve"


def use(store: Store) -> bool:
    """Make room where there is none: before a job that needs it begins. Whether that was so."""
    if room.free_bytes(store.path) >= SHORT_BYTES or room.is_read_only(_folder(store.path)):
        return False
    try:
        os.unlink(store.path + _SUFFIX)
    except OSError:  # it is used up, or was never there
        quarantine.make_room(store.path)
    try:
        with store.writing(checkpoint_first=True):
            pass
    except Problem:  # the job will find out what is the matter
        return False
    return True


def keep(path: str) -> None:
    """Set room aside, if there is plenty, and none was yet."""
    place = path + _SUFFIX
    if os.access(place, os.F_OK) or room.free_bytes(path) < 4 * BYTES or not hasattr(os, "posix_fallocate"):
        return
    try:
        descriptor = made(place)
    except OSError:
        return
    try:
        os.posix_fallocate(descriptor, 0, BYTES)
    except OSError:  # a file system without; or somebody was quicker with the room
        os.unlink(place)
    finally:
        os.close(descriptor)


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "."
