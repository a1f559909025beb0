"""Measure how runs are best stored: bytes, pages, syncs and time of several layouts under the same load.

python3 -m tests.bench.layouts                    every section; what the machine can't do is skipped
python3 -m tests.bench.layouts layouts replay     only these sections
python3 -m tests.bench.layouts ext4 --pace real   a block device at the true pace (root, 12 minutes)

The load is the full schedule: 32 activations a minute of seven jobs, each a process of its own that opens,
inserts one run, commits and leaves without closing. Bytes, pages and syncs are counted; times are medians
within one run.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Callable

from .options import Options
from .sections import checkpoints, ext4, growth, layouts, pages, proof, readers, replay, retention, syncs

SECTIONS: dict[str, Callable[[Path, Options], None]] = {
    "proof": proof.measure,
    "layouts": layouts.measure,
    "pages": pages.measure,
    "checkpoints": checkpoints.measure,
    "replay": replay.measure,
    "syncs": syncs.measure,
    "readers": readers.measure,
    "growth": growth.measure,
    "retention": retention.measure,
    "ext4": ext4.measure,
}


def arguments() -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--hours", type=float, default=6, help="length of the load (6)")
    parser.add_argument("--grow", type=int, default=1_000_000_000, help="bytes of the largest database (1e9)")
    parser.add_argument("--pace", choices=("fast", "real"), default="fast", help="of the section ext4")
    parser.add_argument("--minutes", type=float, default=12, help="of the section ext4 (12)")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the databases are made")
    options = parser.parse_args(namespace=Options())
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    options = arguments()
    print(f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores,"
          f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="layouts-", dir=options.folder) as folder:
        for name in options.sections or SECTIONS:
            began = time.monotonic()
            SECTIONS[name](Path(folder), options)
            print(f"\n({name}: {time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
