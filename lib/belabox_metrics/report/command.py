"""The command `report`: one stream, explained, as a file for a browser or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time

from ..errors import Problem
from ..export.sink import opened
from ..store.database import DatabaseError, Store
from ..store.failure import tell
from ..store.options import add_database
from .document import html
from .report import chosen, document, report
from .words import words

# Whoever has a browser may be another than who asked for it as root.
MODE = 0o644


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
        _put(text, "" if options.output in (None, "-") else options.output, replace=options.force)
    except (Problem, DatabaseError) as caught:
        return tell("report", caught, options.database)
    return 0


def _put(text: str, path: str, *, replace: bool) -> None:
    """Whole or not at all; "" is standard output. What is there is refused, or with `replace` replaced. Raises
    Problem."""
    content = text.encode("utf-8", "backslashreplace")
    with opened(path, False, replace=replace, mode=MODE) as write:
        write(content)
    if path:
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
