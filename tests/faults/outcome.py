"""What became of a box to which a fault was done, so many times: a row of the table of docs/reliability.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

KEPT = Path(__file__).parents[2] / "docs/reliability"


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
        recovered = "" if self.recovered_s is None else f"{self.recovered_s:.2g} s"
        return f"| {self.fault} | {self.tried} | {self.lost} | {self.repeated} | {recovered} | {self.note} |"


def tell(name: str, rows: Iterable[Row], long: bool) -> int:
    """Print rows as they come, keep those of the long form; the exit code."""
    print("| fault | times | lost | repeated | recovered within | |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    began, found = time.monotonic(), []
    for row in rows:
        print(row.text(), *[f"  WRONG: {what}" for what in row.wrong[:20]], sep="\n", flush=True)
        found.append(row)
    if long:
        KEPT.mkdir(exist_ok=True)
        kept = {"seconds": round(time.monotonic() - began), "rows": [row._asdict() for row in found]}
        (KEPT / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    return 0 if all(row.is_as_promised for row in found) else 1
