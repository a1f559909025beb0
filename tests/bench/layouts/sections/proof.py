"""200 processes that leave without closing write the same frames as one connection."""

from __future__ import annotations

import functools
from pathlib import Path

from ..compared import LAYOUTS
from ..database import WalReader, activate, commit, connect, create, in_child
from ..load import Run, load
from ..options import Options
from ..table import table


def measure(folder: Path, options: Options) -> None:
    rows = []
    runs = [run for run, _ in zip(load(1), range(200))]
    for name in ("a", "c", "f", "g", "h"):
        for page_size in (1024, 4096):
            forked = frames_of(folder, name, page_size, runs, fork=True)
            single = frames_of(folder, name, page_size, runs)
            rows.append((name, page_size, len(runs), sum(map(len, forked)), sum(map(len, single)),
                         "yes" if forked == single else "NO"))  # fmt: skip
    table(
        "Does one connection stand for many processes?",
        (
            "layout",
            "page",
            "activations",
            "frames, forked",
            "frames, one connection",
            "same pages in the same order",
        ),
        rows,
    )


def frames_of(folder: Path, name: str, page_size: int, runs: list[Run], fork: bool = False) -> list[list[int]]:
    layout, path = LAYOUTS[name][1], folder / "proof.db"
    create(path, layout, page_size)
    db = None if fork else connect(path)
    wal = WalReader(path, page_size)
    found = []
    for run in runs:
        if db:
            commit(db, layout, layout.prepare(run))
        else:
            in_child(functools.partial(activate, path, layout, layout.prepare(run)))
        found.append(wal.pages())
    if db:
        db.close()
    return found
