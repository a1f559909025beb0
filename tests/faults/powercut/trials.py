"""What the table says of power cuts: torn files, machines cut off, disks looked at."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.provenance import commit, machine

from ..outcome import KEPT, Row
from ..vm.machine import engine
from .plan import Plan
from .torn import breakages, collected, original, verdict

NEEDED = ("e2fsck", "debugfs", "mmdebstrap", "systemd-nspawn", "victoria-metrics")

# Of so many torn files one is found by a whole collection, which takes a fifth of a second; with --long.
COLLECTED, COLLECTED_LONG = 50, 10


def trials(seed: int, machines: list[Plan]) -> Iterator[Row]:
    """The long form has machines."""
    yield torn(seed, 2000, COLLECTED_LONG) if machines else torn(seed, 200)
    if machines:
        yield from with_machines(machines)


def torn(seed: int, times: int, collected_every: int = COLLECTED) -> Row:
    """The files of a database, torn in each way that a power cut may."""
    wrong: list[str] = []
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        whole = original(Path(folder) / "whole")
        for at, broken in enumerate(breakages(whole, Path(folder) / "broken", random.Random(seed), times)):
            began = time.monotonic()
            wrong += verdict(broken) if at % collected_every else collected(broken)
            longest = max(longest, time.monotonic() - began)
    return Row("files torn as by a power cut", times, 0, 0, longest, f"seed {seed}", wrong)


def with_machines(machines: list[Plan]) -> Iterator[Row]:
    """What became of machines; how each cut went goes to docs/reliability as well."""
    # Only now: it knows of upload formats, and asks for what a short form has no need of.
    from . import report
    from .lab import measure

    of: dict[str, Any] = {"commit": commit(), "arguments": sys.argv[1:], "began": machine()}
    began = time.monotonic()
    result = measure(machines)
    of |= {"ended": machine(), "seconds": round(time.monotonic() - began)}
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{name_of(machines)}-cuts.json").write_text(
        json.dumps(of | report.brief(result), indent=1) + "\n", encoding="utf-8"
    )
    yield from rows_of(result)


def name_of(machines: list[Plan]) -> str:
    """Of what is kept, below docs/reliability."""
    if not machines:
        return "powercut"
    return f"powercut-{engine()}{'-mounted' if machines[0].mount else ''}"


def check() -> None:
    """Ends the program where there can be no machines."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        sys.exit(f"powercut --long needs {', '.join(missing)}: tests/run installs them")
    try:
        engine()
    except RuntimeError as none:
        sys.exit(f"powercut --long: {none}")


def rows_of(result: dict[str, Any]) -> list[Row]:
    """`lost`: samples of the box that are not on the server at the end. What a cut took beyond what it may is wrong."""
    found = result["summary"]
    cuts = Row(
        "power cut, machine booted again",
        found["cuts"],
        found["missing on the server"],
        0,
        found["collecting again, s, median and worst"][1],
        f"runs lost: the oldest {found['oldest lost, s, median and worst'][1]} s before the cut; "
        f"samples sent again: the oldest {found['oldest sent again, s, median and worst'][1]} s",
        result["faults"],
    )
    looks = Row(
        "the disk as if cut, looked at",
        found["looks"],
        0,
        0,
        None,
        f"runs lost: the oldest {found['looks, oldest lost, s, median and worst'][1]} s; "
        f"samples to be sent again: the oldest {found['looks, oldest sent again, s, median and worst'][1]} s",
        [],
    )
    return [cuts, looks]
