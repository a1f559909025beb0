"""What `status` is asked, and how it answers."""

from __future__ import annotations

import argparse
import json

from .. import clock, terminal
from ..errors import Problem
from ..store.database import DatabaseError, Store
from ..store.failure import tell
from ..store.options import add_database
from . import screen
from .reading import Reading, document


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        reading = Reading(Store(options.database), clock.now())
    except (Problem, DatabaseError) as caught:
        return tell("status", caught, options.database)
    if options.json:
        print(json.dumps(document(reading), indent=2))
    else:
        print("\n".join(screen.lines(reading, terminal.of())))
    return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics status",
        description="Alerts that are on; each metric (ok, waiting, absent, failing, late or off), its last values,"
        " their age and when it runs next, or why there are none; upload, storage, time, and what waits to be sent.",
        epilog="Example: watch -n 5 belabox-metrics status",
    )
    parser.add_argument("--json", action="store_true", help="the document of /health, the states and alerts")
    add_database(parser)
    return parser
