"""The command `sessions`: the streams of this box, the newest first, as a table or as JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
import time

from . import terminal
from .errors import Problem
from .query import period
from .store.database import DatabaseError, Store
from .store.failure import tell
from .store.options import add_database
from .store.sessions import Stored, latest

_MOST = 1000


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        since_ms, until_ms = period.read(options.since, options.until, time.time_ns() // 1_000_000)
        connection = Store(options.database).reading()
        found = latest(connection, options.limit, since_ms, until_ms if options.until else None)
        connection.close()
    except (Problem, DatabaseError) as caught:
        return tell("sessions", caught, options.database)
    if options.json:
        for session in found:
            print(json.dumps(_document(session)))
    elif found:
        screen = terminal.of()
        start = f"start, {period.zone(found[0].start_ms)}"
        print(screen.fit(f"{'id':36}  {start:19}  {'lasted':>9}  {'status':9}  relay, pipeline"))
        for session in found:
            print(screen.fit(_row(session)))
    else:
        is_all = options.since == period.EVERYTHING and not options.until
        when = "yet" if is_all else period.told("" if options.until else options.since, since_ms, until_ms)
        print(f"no stream has been recorded {when}", file=sys.stderr)
    return 0


def _document(session: Stored) -> dict[str, object]:
    return {
        "id": session.id,
        "start_time_ms": session.start_ms,
        "end_time_ms": session.end_ms,
        "status": session.status,
        "metadata": session.metadata,
    }


def _row(session: Stored) -> str:
    setup = ", ".join(str(session.metadata[key]) for key in ("relay", "pipeline") if key in session.metadata)
    start = period.spelled(session.start_ms)
    return f"{session.id:36}  {start}  {_lasted(session):>9}  {session.status:9}  {setup}".rstrip()


def _lasted(session: Stored) -> str:
    """`1:02:03`; of a live session up to now."""
    end_ms = time.time_ns() // 1_000_000 if session.end_ms is None else session.end_ms
    minutes, seconds = divmod(max(0, end_ms - session.start_ms) // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics sessions",
        description="List the streams of this box, the newest first. A session that failed was cut off or ended while"
        " it did not arrive.",
        epilog="Example: belabox-metrics sessions --since yesterday; belabox-metrics report explains one",
    )
    period.add_options(parser, period.EVERYTHING)
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help="how many (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_database(parser)
    return parser


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 0 < number <= _MOST:
        raise argparse.ArgumentTypeError(f"is not from 1 to {_MOST}")
    return number
