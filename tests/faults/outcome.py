"""What became of a box to which a fault was done, so many times: a row of the table of docs/reliability.md."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.provenance import commit, machine

KEPT = Path(__file__).parents[2] / "docs/reliability"
# Of its first column, letters; of what is wrong, lines.
FAULT, MOST_WRONG = 52, 20


class Row(NamedTuple):
    """`tried` so many times; `lost`: runs that a job had said to be stored, or samples; `repeated`: stored or sent
    twice without need; `recovered_s`: the longest until the next job had done its work, None for nothing to recover.
    `note`: figures of its own; `wrong`: what must not be, in words."""

    fault: str
    tried: int
    lost: int
    repeated: int
    recovered_s: float | None
    note: str
    wrong: list[str]

    @property
    def is_as_promised(self) -> bool:
        return not (self.lost or self.repeated or self.wrong)

    def text(self) -> str:
        recovered = ""
        if self.recovered_s is not None:
            recovered = f"{self.recovered_s:.{2 if self.recovered_s < 10 else 0}f} s"
        return line(self.fault, str(self.tried), str(self.lost), str(self.repeated), recovered, self.note)


def line(fault: str, tried: str, lost: str, repeated: str, recovered: str, note: str = "") -> str:
    """Of a table that Markdown and a person can read."""
    cells = fault.ljust(FAULT), tried.rjust(8), lost.rjust(6), repeated.rjust(8), recovered.rjust(16), note
    return f"| {' | '.join(cells)} |"


def left_out(fault: str, why: str) -> Row:
    """What this machine can't try."""
    return Row(fault, 0, 0, 0, None, f"left out: {why}", [])


def tell(name: str, rows: Iterable[Row], long: bool) -> int:
    """Print rows as they come, keep those of the long form with what they are of; the exit code."""
    of: dict[str, object] = {"commit": commit(), "arguments": sys.argv[1:], "began": machine()} if long else {}
    print(line("fault", "times", "lost", "repeated", "recovered within"))
    print("| --- | --: | --: | --: | --: | --- |", flush=True)
    began, found = time.monotonic(), []
    for row in rows:
        more = [f"  and {len(row.wrong) - MOST_WRONG} more"] if len(row.wrong) > MOST_WRONG else []
        print(row.text(), *[f"  WRONG: {what}" for what in row.wrong[:MOST_WRONG]], *more, sep="\n", flush=True)
        found.append(row)
    if long:
        KEPT.mkdir(exist_ok=True)
        of |= {"ended": machine(), "seconds": round(time.monotonic() - began)}
        kept = {**of, "rows": [row._asdict() for row in found]}
        (KEPT / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    return 0 if all(row.is_as_promised for row in found) else 1
