"""The command `verify`: is everything that was sent on the server?"""

from __future__ import annotations

import argparse
import time

from .. import clock
from ..errors import ConfigProblem, Problem
from ..progress import Progress
from ..query import period
from ..remote.access import Access
from ..remote.settings import Remote
from ..store.database import DatabaseError, Store
from ..store.failure import tell
from ..store.options import add_database
from ..upload.correction import Correction
from . import screen
from .checkpoint import checkpoint
from .export import Export
from .hours import total
from .inspection import Inspection
from .periods import periods
from .repair import repair
from .standing import Standing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# VictoriaMetrics shows a sample one or two seconds after it took it, but may hide a series that is new for ten more: so
# long it remembers which there were when it was last asked. Measured with 1.79; a cluster takes a little more.
SETTLED_MS = 15_000
MISSING = 1
# Nothing is said of what is on the server.
UNTOLD = 75


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        return verify(Store(options.database), clock.now(), options)
    except (Problem, DatabaseError) as caught:
        code = tell("verify", caught, options.database)
        return UNTOLD if code == MISSING else code


def verify(store: Store, moment: clock.Moment, options: argparse.Namespace) -> int:
    """Compare, tell, and queue what is missing if so asked; the exit code. Raises Problem when it can't be told."""
    since_ms = period.moment(options.since, "--since", moment.wall_ms)
    connection = store.reading()
    try:
        remote = Remote(connection)
        access = Access(remote)
        _can_be_asked(remote, access)
        found, endpoint = _inspect(connection, remote, access, moment, since_ms, not options.quiet)
    finally:
        connection.close()
    try:
        repaired = repair(store, found.gaps.found) if options.repair else None
    except (Problem, DatabaseError) as caught:
        # What is missing is known by now.
        return tell("verify", caught, options.database)
    if options.json:
        print(screen.document(found, since_ms, remote.device_id, endpoint, repaired))
    elif not options.quiet:
        when = period.told(options.since, since_ms, moment.wall_ms)
        print("\n".join(screen.table(found, when, endpoint, repaired)))
    sums = total(found.hours)
    return MISSING if sums["missing"] or sums["different"] else 0


def _inspect(
    connection: Connection, remote: Remote, access: Access, moment: clock.Moment, since_ms: int, shows: bool
) -> tuple[Inspection, str]:
    export = Export(remote, access)
    standing = Standing(connection)
    correction = Correction(connection, moment)
    wanted = periods(connection, correction, since_ms, standing.frontier)

    def look() -> Inspection:
        found = Inspection(connection, standing, correction, remote.device_id)
        progress = Progress(len(wanted), shows)
        try:
            found.run(wanted, export, moment.wall_ms, progress.step)
        finally:
            progress.end()
            export.close()
        return found

    hidden_until = time.monotonic() + _hidden_s(standing.uploaded_ms)
    looked = time.monotonic()
    found = look()
    if looked < hidden_until and total(found.hours)["missing"]:
        time.sleep(max(0.0, hidden_until - time.monotonic()))
        found = look()
    return found, export.endpoint


def _hidden_s(uploaded_ms: int) -> float:
    """For how long from now what the server took last may not be shown."""
    left_ms = uploaded_ms + SETTLED_MS - time.time_ns() // 1_000_000
    return left_ms / 1000 if 0 < left_ms <= SETTLED_MS else 0.0


def _can_be_asked(remote: Remote, access: Access) -> None:
    if not remote.url:
        raise ConfigProblem("is not set: nothing is sent anywhere", where="remote.url")
    if remote.format == "json":
        said = checkpoint(remote, access)
        raise ConfigProblem(
            "a server for the format json can't be asked what it has" + (f"; {said}" if said else ""),
            where="remote.format",
            hint="with the format victoriametrics, verify compares every sample",
        )


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics verify",
        description="Ask the server for every sample that was sent to it, and compare.",
        epilog="Exit codes: 0 nothing is missing, 1 something is, 2 usage, 75 no whole answer, 78 configuration.",
    )
    period.add_since(parser, "24h")
    parser.add_argument("--repair", action="store_true", help="queue what is missing, to be sent again")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--quiet", action="store_true", help="print nothing, the exit code tells")
    add_database(parser)
    return parser
