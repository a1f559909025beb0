"""Sizes of pages, with and without auto_vacuum."""

from __future__ import annotations

from pathlib import Path

from ..compared import LAYOUTS
from ..load import PERIOD
from ..options import Options
from ..simulation import LAYOUT_HEAD, layout_rows, simulate
from ..table import table

PAGE_SIZES = (512, 1024, 2048, 4096)


def measure(folder: Path, options: Options) -> None:
    figures = {}
    for name in ("f", "g"):
        for page_size in PAGE_SIZES:
            for incremental in (False, True):
                label = f"{page_size}{' incremental' if incremental else ''}"
                figures[name, label] = simulate(
                    folder / "pages.db", LAYOUTS[name][1], page_size, incremental, PERIOD, options.hours
                )
    table("Page size and auto_vacuum", LAYOUT_HEAD, layout_rows(figures))
