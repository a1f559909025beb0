"""The command `snapshot`: a copy of the database as it is at one moment, while everything goes on.

SQLite's backup copies the pages of one read transaction. Readers hold up no writer of a write-ahead log, and the lock
of the writers is not taken; only the log can't be folded in meanwhile, which the next checkpoint makes up for.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import time
from contextlib import closing

from ..errors import Problem, StoreProblem
from ..printable import printable
from ..progress import Progress
from ..quantity import shown
from ..store.database import DatabaseError, Store, database_path, problem
from .file import WholeFile

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
    with closing(source), target:
        try:
            # Held to the end: otherwise each commit of a collector would start the copy anew.
            source.execute("BEGIN")
            pages = int(source.execute("PRAGMA page_count").fetchone()[0])
            _need_space(path, pages * int(source.execute("PRAGMA page_size").fetchone()[0]))
        except sqlite3.DatabaseError as error:
            raise problem(error, store.path) from error
        _copy(source, store.path, target.partial, pages, path)
        found = _checked(target.partial, path)
        return Snapshot(os.stat(target.partial).st_size, *found)


def _need_space(path: str, size: int) -> None:
    disk = os.statvfs(os.path.dirname(path) or ".")
    free = disk.f_bavail * disk.f_frsize
    if free < size:
        what = f"needs {shown('_bytes', size)}, there are {shown('_bytes', free)}"
        raise StoreProblem(what, where=path, hint="free some space, or write to another disk")


def _copy(source: sqlite3.Connection, database: str, partial: str, pages: int, path: str) -> None:
    progress = Progress(pages)
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            # A copy that is cut off is thrown away, so nothing has to be undone, and it is synced once, at its end.
            copy.execute("PRAGMA journal_mode=OFF")
            copy.execute("PRAGMA synchronous=OFF")
            source.backup(copy, pages=PAGES, sleep=0, progress=lambda _, left, total: progress.reach(total - left))
    except sqlite3.DatabaseError as error:
        raise problem(error, path if "full" in str(error) else database) from error
    finally:
        progress.end()


def _checked(partial: str, path: str) -> tuple[int, int | None]:
    """How many runs it has, and when the newest was. Raises StoreProblem when the copy is damaged."""
    try:
        # As one file that nobody writes: looking at it must not make a log beside it.
        with closing(sqlite3.connect(f"file:{_quoted(partial)}?immutable=1", uri=True)) as copy:
            said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            runs, newest_ms = copy.execute(
                "SELECT count(*), (SELECT id - lead_ms FROM runs ORDER BY id DESC LIMIT 1) FROM runs"
            ).fetchone()
    except sqlite3.DatabaseError as error:
        said, runs, newest_ms = str(error), 0, None
    if said != "ok":
        hint = "so is the database itself, most likely"
        raise StoreProblem(f"the copy is damaged: {printable(said)}", where=path, hint=hint)
    return runs, newest_ms


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        made = take(Store(options.database), options.file)
    except (Problem, DatabaseError) as caught:
        failed = problem(caught, options.database)
        print(f"belabox-metrics snapshot: {failed}", file=sys.stderr)
        return failed.exit_code
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
    parser.add_argument("--database", default=database_path(), metavar="FILE", help="default: %(default)s")
    return parser
