"""How often: the WAL that lies there against the bytes a checkpoint copies."""

from __future__ import annotations

from pathlib import Path

from ..compared import LAYOUTS
from ..load import PER_MINUTE
from ..options import Options
from ..simulation import simulate
from ..table import KIB, table


def measure(folder: Path, options: Options) -> None:
    rows = []
    for page_size in (1024, 2048, 4096):
        for minutes in (1, 3, 6, 12, 30, 60):
            layout = LAYOUTS["f"][1]
            f = simulate(folder / "often.db", layout, page_size, False, minutes * PER_MINUTE, min(options.hours, 3))
            both = f.wal_bytes + f.checkpoint_bytes
            rows.append((page_size, minutes, f.peak_wal / KIB, f.wal_bytes, f.checkpoint_bytes, both))
    head = ("page", "minutes", "WAL before the checkpoint, KiB", "WAL bytes / activation",
            "checkpoint bytes / activation", "sum")  # fmt: skip
    table("Layout f: how often to checkpoint", head, rows)
