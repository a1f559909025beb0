"""Whether there is room where the database is: asked only when something was refused.

SQLite tells a full disk by name only when it is a write to the log that failed. A quota, a full disk under the index of
the log, no inode for a new file, a file system that was remounted read-only: all of these are "disk I/O error" or
"unable to open" to it. What they have in common is that they pass.
"""

from __future__ import annotations

import errno
import posix as os  # as environment.py says

from ..errors import Unwritable

# What one process needs at most: the index of the log, 32 KB, and a run.
LEAST_BYTES = 64 * 1024
HINT = "free some space; what is stored already is safe, and collecting goes on by itself"
READ_ONLY = "the file system is read-only"
_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full: the quota of its user is used up",
    errno.EROFS: READ_ONLY,
}
_REMOUNT = "see journalctl -k for why; what is stored already is safe"


def free_bytes(path: str) -> int:
    """Bytes that a job may still write beside `path`; 0 where not even a file can be made, or all is read-only."""
    try:
        room = os.statvfs(_beside(path))
    except OSError:
        return 0
    # Some file systems have no inodes to count, and say that there are none at all.
    no_file = room.f_files > 0 and room.f_favail == 0
    return 0 if no_file or room.f_flag & os.ST_RDONLY else room.f_bavail * room.f_frsize


def is_read_only(path: str) -> bool:
    """Whether the file system beneath `path` can't be written by anybody."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def is_writable(path: str) -> bool:
    """Whether the database and what lies beside it can be written by this process."""
    files = [name for name in (path, f"{path}-wal", f"{path}-shm") if os.access(name, os.F_OK)]
    return all(os.access(name, os.W_OK, effective_ids=True) for name in (_beside(path), *files))


def _beside(path: str) -> str:
    """The directory of it."""
    return path[: path.rfind("/")] or "/" if "/" in path else "."


def unwritable(error: OSError, path: str) -> Unwritable | None:
    """What the system's refusal is in words; None when it is no matter of room."""
    what = _WORDS.get(error.errno or 0)
    if what is None:
        return None
    return Unwritable(what, where=path, hint=_REMOUNT if what == READ_ONLY else HINT)


def refusal(path: str) -> Unwritable | None:
    """Why nothing can be written beside `path`, found out by trying; None when it can."""
    probe = path + ".room"
    try:
        descriptor = os.open(
            probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o640
        )
        try:
            os.write(descriptor, bytes(LEAST_BYTES))
            # A quota may be kept only when the blocks are given out.
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            os.unlink(probe)
    except OSError as error:
        if found := unwritable(error, path):
            return found
    # A write that is cut short is no error; nor may every reader try.
    if free_bytes(path) < LEAST_BYTES:
        return Unwritable(_WORDS[errno.ENOSPC], where=path, hint=HINT)
    return None
