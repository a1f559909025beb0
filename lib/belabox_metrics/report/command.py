"""The command `report`: one stream, explained, as a file for a browser or as JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time

from ..errors import Problem, UsageProblem
from ..store.database import DatabaseError, Store
from ..store.failure import tell
from ..store.options import add_database
from .document import html
from .report import chosen, document, report
from .words import words


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        connection = Store(options.database).reading()
        try:
            session = chosen(connection, options.session)
            made = report(connection, session, time.time_ns() // 1_000_000)
        finally:
            connection.close()
        if options.json:
            text = json.dumps(document(made), indent=2) + "\n"
        elif options.output is None and sys.stdout.isatty():
            text = words(made)
        else:
            text = html(made)
        _put(text, options.output or "-", replace=options.force)
    except (Problem, DatabaseError) as caught:
        return tell("report", caught, options.database)
    return 0


def _put(text: str, path: str, *, replace: bool) -> None:
    """Whole or not at all; `-` is standard output. What is there is refused, or with `replace` replaced. Raises
    Problem."""
    content = text.encode("utf-8", "backslashreplace")
    if path == "-":
        sys.stdout.buffer.write(content)
        return
    # Not what lies there already: whose it is, and where it leads, nobody knows.
    aside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.new")
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise UsageProblem("is no plain file", where=path, hint="to write into it, use -o - and redirect it")
        if os.path.lexists(path) and not replace:
            raise UsageProblem("is there already", where=path, hint="take another name, or replace it with --force")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), "wb") as file:
            file.write(content)
        os.replace(aside, path)
    except OSError as error:
        # On a full disk the part that was written takes what room there is.
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise Problem(f"can't be written: {error.strerror}", where=path, hint="choose another file with -o") from error
    print(f"{path} ({len(content) / 1000:.0f} kB): open it in a browser", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics report",
        description="Explain one stream: what went wrong, when, what came before, and the numbers that say so. At a"
        " terminal in words; else, and with -o, as one HTML file that needs nothing else.",
    )
    parser.add_argument(
        "session",
        nargs="?",
        default="",
        metavar="SESSION",
        help="the beginning of its id is enough; default: the last one",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the HTML there; - is standard output")
    parser.add_argument("--force", action="store_true", help="replace a FILE that is there")
    parser.add_argument("--json", action="store_true", help="the findings as JSON instead")
    add_database(parser)
    return parser
