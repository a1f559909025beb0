"""What the table says of power cuts: torn files, machines cut off, disks looked at."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ..outcome import KEPT, Row
from .torn import breakages, original, verdict

NEEDED = ("e2fsck", "debugfs", "mmdebstrap", "systemd-nspawn", "victoria-metrics")


def torn(seed: int, times: int) -> Row:
    """The files of a database, torn in each way that a power cut may."""
    wrong: list[str] = []
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        whole = original(Path(folder) / "whole")
        for broken in breakages(whole, Path(folder) / "broken", random.Random(seed), times):
            began = time.monotonic()
            wrong += verdict(broken)
            longest = max(longest, time.monotonic() - began)
    return Row("files torn as by a power cut", times, 0, 0, longest, f"seed {seed}", wrong)


def with_machines(cuts: int, minutes: float, machines: int, seed: int) -> list[Row]:
    """What became of machines; all of it goes to docs/reliability as well."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        sys.exit(f"powercut --long needs {', '.join(missing)}: tests/run installs them")
    # Only now: it knows of upload formats, and asks for what a short form has no need of.
    from . import report
    from .lab import measure

    result = measure(cuts, machines, time.time() + minutes * 60, seed)
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"powercut-{result['engine']}.json").write_text(
        json.dumps(report.brief(result), indent=1) + "\n", encoding="utf-8"
    )
    return rows_of(result)


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
