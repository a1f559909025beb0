"""How a command says that it has failed, all in the same form."""

from __future__ import annotations

import sys

from ..printable import printable
from .database import problem


def tell(command: str, caught: Exception, path: str) -> int:
    """Say on stderr why `command` failed, with the database at `path`, and its exit code. `caught`: a Problem, or what
    SQLite said. A name that somebody else has chosen does nothing to the terminal."""
    failed = problem(caught, path)
    told = [printable(line, None) for line in str(failed).split("\n")]
    print("\n".join([f"belabox-metrics {command}: {told[0]}", *told[1:]]), file=sys.stderr)
    return failed.exit_code
