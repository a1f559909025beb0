"""The command `snapshot`: a copy of the database as it is at one moment, while everything goes on.

SQLite's backup copies the pages of one read transaction. Readers hold up no writer of a write-ahead log, and the lock
of the writers is not taken; only the log can't be folded in meanwhile, which the next checkpoint makes up for.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import closing, contextmanager

from ..errors import Problem, StoreProblem
from ..printable import printable
from ..progress import Progress
from ..quantity import shown
from ..store.database import DatabaseError, Store, problem, quoted
from ..store.failure import tell
from ..store.options import add_database
from ..store.sqlite import connect, connect_warily
from .file import WholeFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import BinaryIO

# Copied between two looks at the clock of the bar: some milliseconds.
PAGES = 256


class Snapshot:
    """What a copy holds: `size` in bytes, `runs`, the time of the newest of them (Unix ms; None for none)."""

    def __init__(self, size: int, runs: int, newest_ms: int | None) -> None:
        self.size = size
        self.runs = runs
        self.newest_ms = newest_ms


def take(store: Store, path: str) -> Snapshot:
    """Copy the database of `store` to the new file `path`, which is given to the owner of the database, and check it.

    Raises UsageProblem where `path` is there or can't be, StoreProblem when the disk is full, the database can't be
    read or the copy is not sound: then no file is left."""
    source = store.reading()
    target = WholeFile(path, like=os.stat(store.path))
    with closing(source), target as file:
        try:
            # Held to the end: otherwise each commit of a collector would start the copy anew.
            source.execute("BEGIN")
            pages = int(source.execute("PRAGMA page_count").fetchone()[0])
            _need_space(path, pages * int(source.execute("PRAGMA page_size").fetchone()[0]))
        except DatabaseError as error:
            raise problem(error, store.path) from error
        # SQLite opens files by their names, and there may be another one under this name by then.
        with _as(_stranger(os.path.dirname(path)), file):
            _copy(source, store.path, target.partial, pages, path)
            found = _checked(target.partial, path)
        return Snapshot(os.stat(target.partial).st_size, *found)


def _stranger(directory: str) -> int:
    """Where root writes: whose the first directory, or link, on the way to this one is that is not root's. He may put
    something else under any name below it. 0: nobody's who gets there."""
    if os.geteuid() != 0:
        return 0
    found = os.path.abspath(directory or ".")
    for way in (found, os.path.realpath(found)):
        names = way.split("/")
        for at in range(1, len(names) + 1):
            owner = os.lstat("/".join(names[:at]) or "/").st_uid
            if owner != 0:
                return owner if _gets_to(found, owner) else 0
    return 0


def _gets_to(directory: str, owner: int) -> bool:
    os.seteuid(owner)
    try:
        os.stat(f"{directory}/.")
    except OSError:
        return False
    finally:
        os.seteuid(0)
    return True


@contextmanager
def _as(owner: int, file: BinaryIO) -> Iterator[None]:
    """`file` is his, and who works on it is he, so that only what is his can come to harm. 0: root stays root."""
    if not owner:
        yield
        return
    os.fchown(file.fileno(), owner, -1)
    os.seteuid(owner)
    try:
        yield
    finally:
        os.seteuid(0)


def _need_space(path: str, size: int) -> None:
    disk = os.statvfs(os.path.dirname(path) or ".")
    free = disk.f_bavail * disk.f_frsize
    if free < size:
        what = f"needs {shown('_bytes', size)}, there are {shown('_bytes', free)}"
        raise StoreProblem(what, where=path, hint="free some space, or write to another disk")


def _copy(source: Connection, database: str, partial: str, pages: int, path: str) -> None:
    progress = Progress(pages)
    try:
        with closing(connect(partial, isolation_level=None)) as copy:
            # A copy that is cut off is thrown away, so nothing has to be undone, and it is synced once, at its end.
            copy.execute("PRAGMA journal_mode=OFF")
            copy.execute("PRAGMA synchronous=OFF")
            source.backup(copy, pages=PAGES, sleep=0, progress=lambda _, left, total: progress.reach(total - left))
    except DatabaseError as error:
        raise problem(error, path if "full" in str(error) else database) from error
    finally:
        progress.end()


def _checked(partial: str, path: str) -> tuple[int, int | None]:
    """How many runs it has, and when the newest was. Raises StoreProblem when the copy is damaged."""
    try:
        # As one file that nobody writes: looking at it must not make a log beside it.
        with closing(connect_warily(f"file:{quoted(partial)}?immutable=1", uri=True)) as copy:
            said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            runs, newest_ms = copy.execute(
                "SELECT count(*), (SELECT id - lead_ms FROM runs ORDER BY id DESC LIMIT 1) FROM runs"
            ).fetchone()
    except DatabaseError as error:
        said, runs, newest_ms = str(error), 0, None
    if said != "ok":
        hint = "so is the database itself, most likely"
        raise StoreProblem(f"the copy is damaged: {printable(said)}", where=path, hint=hint)
    return runs, newest_ms


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        made = take(Store(options.database), options.file)
    except (Problem, DatabaseError) as caught:
        return tell("snapshot", caught, options.database)
    upto = ""
    if made.newest_ms is not None:
        upto = f", up to {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(made.newest_ms / 1000))}"
    print(f"{options.file}: {shown('_bytes', made.size)}, {made.runs} runs{upto}; checked")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics snapshot",
        description="Copy the database as it is now to a new file, while everything goes on. docs/export.md tells how"
        " to put such a copy back.",
    )
    parser.add_argument("file", metavar="FILE", help="the copy; must not be there yet")
    add_database(parser)
    return parser
