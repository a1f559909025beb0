"""tests/platforms/run: see there."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from . import arm64, debian, page, pythons

if TYPE_CHECKING:
    from collections.abc import Callable

    from .outcome import Part

PARTS: dict[str, Callable[[], Part]] = {
    **{suite: partial(debian.run, suite) for suite in debian.SUITES},
    **{f"pages-{suite}": partial(debian.run_pages, suite) for suite in debian.SUITES},
    "pythons": pythons.run,
    "arm64": arm64.run,
}


def main() -> int:
    """0 when nothing failed of what could be tried."""
    parser = argparse.ArgumentParser(prog="tests/platforms/run")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them unless named")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        parser.error(f"no part {unknown[0]}: {', '.join(PARTS)}")
    failed = []
    for name in chosen:
        print(f"== {name}", flush=True)
        if PARTS[name]().failed:
            failed.append(name)
        page.write()
    print(f"{len(chosen)} parts, {len(failed)} failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
