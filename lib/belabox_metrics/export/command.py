"""The command `export`: what is stored, as lines for other programs."""

from __future__ import annotations

import argparse
import os
import time

from .. import clock
from ..errors import Problem, UsageProblem
from ..printable import printable
from ..progress import Progress
from ..query import period, samples
from ..store.database import DatabaseError, Store
from ..store.failure import tell
from ..store.options import add_database, named
from ..store.settings import first, section
from ..upload.correction import Correction
from .lines import JsonLines
from .rows import Rows
from .sink import STDOUT, opened
from .stored import FOREVER_MS, Stored, Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from .sink import Write

FORMATS: dict[str, type[JsonLines] | type[Rows]] = {"jsonl": JsonLines, "csv": Rows}


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        since_ms, until_ms = period.read(options.since, options.until, time.time_ns() // 1_000_000)
        if not options.until:
            # A clock that was ahead has left samples there.
            until_ms = FOREVER_MS
        connection = Store(options.database).reading()
        try:
            wanted = Wanted(since_ms, until_ms, _known(connection, options.metric))
            stored = Stored(connection, Correction(connection, clock.now()), wanted)
            packed = options.gzip or options.output.endswith(".gz")
            with opened(options.output, packed, replace=options.force) as write:
                # The bar and the lines would write over each other.
                export(connection, stored, options.format, write, bool(options.output) or not os.isatty(STDOUT))
        finally:
            connection.close()
    except (Problem, DatabaseError) as caught:
        return tell("export", caught, options.database)
    return 0


def _known(connection: Connection, names: list[str]) -> tuple[str, ...]:
    for name in names:
        if not samples.is_known(connection, name):
            hint = "belabox-metrics status lists them"
            raise UsageProblem(f"there never was a sample of {printable(name)}", where="--metric", hint=hint)
    return tuple(names)


def export(connection: Connection, stored: Stored, form: str, write: Write, shows: bool = False) -> None:
    """All of `stored` in the form of that name, a page at a time."""
    writer = FORMATS[form](str(first(section(connection, "device"), "id", "")), stored.shapes)
    write(writer.HEAD)
    progress = Progress(stored.last - stored.first, shows)
    try:
        for page in stored.pages():
            write(writer.page(page))
            progress.reach(page.done - stored.first)
    finally:
        progress.end()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics export",
        description="Write what is stored, oldest first: lines that VictoriaMetrics imports, or a table.",
    )
    parser.add_argument("--format", choices=tuple(FORMATS), default="jsonl", help="default: %(default)s")
    period.add_options(parser, period.EVERYTHING)
    help_metric = "these metrics or series alone (cpu.usage, cpu.usage_percent)"
    parser.add_argument(
        "--metric", nargs="+", type=named, action="extend", default=[], metavar="NAME", help=help_metric
    )
    parser.add_argument("-o", "--output", default="", metavar="FILE", help="into a file, and not to stdout")
    parser.add_argument("--force", action="store_true", help="replace a FILE that is there")
    parser.add_argument("--gzip", action="store_true", help="packed; so is a FILE that ends in .gz")
    add_database(parser)
    return parser
