"""What `doctor` is asked, and how it answers."""

from __future__ import annotations

import argparse
import json
import sys

from .. import terminal
from ..errors import Problem, UsageProblem
from ..owner import As
from ..printable import printable
from ..schedule.compile import configuration_path
from ..store import quarantine
from ..store.database import DatabaseError
from ..store.options import add_database
from . import clock, collectors, configuration, database, disk, places, programs, screen, server, units
from .box import Box
from .finding import PROBLEM, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .finding import Finding

# In the order in which one thing explains the next.
GROUPS = {
    "configuration": configuration,
    "units": units,
    "files": places,
    "disk": disk,
    "database": database,
    "clock": clock,
    "server": server,
    "collectors": collectors,
    "programs": programs,
}


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        return doctor(options)
    except Problem as failed:
        print(printable(f"belabox-metrics doctor: {failed}", None), file=sys.stderr)
        return failed.exit_code


def doctor(options: argparse.Namespace) -> int:
    """Examine, repair if so asked, tell; 1 when there is a problem left. Raises UsageProblem."""
    box = Box(options.config, options.database, options.root)
    if options.repair and not box.is_root and not options.root:
        raise UsageProblem("--repair needs root", hint="sudo belabox-metrics doctor --repair")
    done = _acknowledge(box) if options.acknowledge else []
    found = examine(box, options.only)
    if options.repair:
        done += repair(found)
        if done:
            # Another look: a repair is believed when what was wrong is gone.
            found = examine(Box(options.config, options.database, options.root), options.only)
    if options.json:
        print(json.dumps(screen.document(found, done), indent=2))
    else:
        out = terminal.of()
        print("\n".join([line for text in done for line in out.wrapped(text, "")] + [""] * bool(done)), end="")
        print("\n".join(screen.lines(found, out)))
    return 1 if screen.count(found, PROBLEM) else 0


def _acknowledge(box: Box) -> list[str]:
    """What became of a damaged database was seen: /health is silent about it from now on."""
    try:
        with As():
            number = quarantine.acknowledge(box.database)
    except OSError as fault:
        raise Problem(f"can't be noted: {fault.strerror}", where=box.database, hint="use sudo") from fault
    return [f"acknowledged: {number} damaged databases that were moved aside"]


def examine(box: Box, only: list[str] | None = None) -> dict[str, list[Finding]]:
    """Group -> findings. What goes wrong in one group is a finding of it, and the others are looked at all the same."""
    found: dict[str, list[Finding]] = {}
    for name, group in GROUPS.items():
        if only and name not in only:
            continue
        found[name] = []
        try:
            found[name] += group.examine(box)
        except Problem as fault:
            found[name].append(problem(fault.what, fault.where, fault.hint))
        except (DatabaseError, OSError) as fault:
            found[name].append(problem(str(fault)))
    return found


def repair(found: dict[str, list[Finding]]) -> list[str]:
    """Do what can be done; a sentence for each."""
    done = []
    for findings in found.values():
        for finding in findings:
            if finding.repair is None:
                continue
            try:
                done.append(f"repaired: {finding.repair()}")
            except (Problem, DatabaseError, OSError) as fault:
                done.append(f"not repaired: {finding}: {fault}")
    return done


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="belabox-metrics doctor",
        description="Look at all that a box needs to collect and to send, and tell what to do about what is wrong."
        " Without root less can be seen, and is said to be so. Nothing is stored on the server.",
        epilog="Exit codes: 0 no problem, 1 problems, 2 usage. Example: sudo belabox-metrics doctor --only server",
    )
    parser.add_argument("--repair", action="store_true", help="mend what can be mended safely (root)")
    parser.add_argument("--acknowledge", action="store_true", help="what became of a damaged database has been seen")
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="this group; may be given several times")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--config", metavar="FILE", default=configuration_path(), help="default: %(default)s")
    add_database(parser)
    parser.add_argument("--root", metavar="DIR", default="", help="where the system is, for trying things out")
    return parser
