"""What SQLite says, in our words: what failed and what to do. Whom nothing has failed does not load it."""

from __future__ import annotations

from ..errors import Damaged, Problem, StoreProblem, TryLater, Unwritable


def meaning(error: Exception, path: str) -> Problem:
    """SQLite's word in ours: what failed and what to do. What is a Problem already stays as it is."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, UnicodeDecodeError):
        return Damaged("the database is damaged: the names of its tables are no text", where=path)
    said = str(error)
    # The third where somebody has stopped while the index of the log was made.
    if "locked" in said or "busy" in said or "locking protocol" in said:
        return TryLater("another program keeps the database busy", where=path, hint="is somebody in it with sqlite3?")
    # Python before 3.11 gives no error code, so the stable texts of sqlite3_errstr() decide.
    if any(text in said for text in _NO_ROOM):
        from .room import refusal

        found = refusal(path)
        if found is not None:
            return found
        if "is full" in said:
            return Unwritable("the disk was full", where=path, hint="there is room again")
    for text, what in _DAMAGE:
        if text in said:
            return Damaged(what, where=path, hint="a job moves it aside and starts another, see docs/recovery.md")
    if "readonly" in said:
        from .header import fault

        if wrong := fault(path):
            return Damaged(wrong, where=path)
        from .room import is_writable

        if is_writable(path):
            return Unwritable("the database could not be written", where=path, hint="it can by now; see journalctl -k")
    for text, what, hint in _KNOWN:
        if text in said:
            return StoreProblem(what, where=path, hint=hint)
    return StoreProblem(f"the database refused: {said}", where=path)


# What a want of room looks like, now and then.
_NO_ROOM = ("is full", "unable to open", "readonly", "disk I/O error")
_DAMAGE = (
    ("not a database", "this file is not a database"),
    # Not what its JSON functions say of one value.
    ("image is malformed", "the database is damaged"),
    ("malformed database schema", "the database is damaged"),
    ("unsupported file format", "the database is damaged: its header names no format"),
    # What was there, not what a job has written: that is never NULL.
    ("NOT NULL constraint failed", "the database is damaged: a value is gone"),
)
_KNOWN = (
    (
        "unable to open",
        "cannot open the database",
        "is it a directory, or not owned by the user the jobs run as?",
    ),
    ("readonly", "the database can't be written", "it must belong to the user the jobs run as"),
    ("disk I/O error", "the disk reports an I/O error", "see journalctl -k"),
)
