"""The command line of the measurements."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

from tests.provenance import machine

from .figures import Figure, table, write
from .options import Options

SECTIONS = ("process", "activation", "schedule", "wear", "store", "takeover", "drain", "health")
RESULTS = Path(__file__).parent / "results" / "last.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description="Measure what the box pays for being observed. Every figure is a ratio to a floor of the same run"
        " or a count. Needs root, strace and victoria-metrics (tests/run installs them).",
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures are written")
    parser.add_argument("--seconds", type=int, default=600, help="how long the schedule runs (600)")
    parser.add_argument("--quick", action="store_true", help="a fifth of the turns: does it work?")
    parser.add_argument("--folder", help="where databases are put; on the disk that is of interest")
    given = parser.parse_args()
    unknown = set(given.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {' '.join(sorted(unknown))}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="belabox-bench-", dir=given.folder) as work:
        options = Options(Path(work), given.seconds, given.quick)
        for name in given.sections or SECTIONS:
            started = time.monotonic()
            found = importlib.import_module(f".sections.{name}", __package__).measure(options)
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
            figures += found
            write(figures, given.json)
    print(", ".join(f"{key} {value}" for key, value in machine().items()) + "\n")
    print(table(figures))
    return 0


sys.exit(main())
