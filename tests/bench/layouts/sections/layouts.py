"""Every layout under the same load."""

from __future__ import annotations

from pathlib import Path

from ..compared import LAYOUTS
from ..load import PERIOD
from ..options import Options
from ..simulation import LAYOUT_HEAD, layout_rows, simulate
from ..table import table


def measure(folder: Path, options: Options) -> None:
    figures = {}
    for page_size in (4096, 1024):
        for name, (title, layout) in LAYOUTS.items():
            figures[f"{name}: {title}", str(page_size)] = simulate(
                folder / "layouts.db", layout, page_size, False, PERIOD, options.hours
            )
    table(
        f"Layouts, {options.hours:g} h, a checkpoint every {PERIOD} activations",
        LAYOUT_HEAD,
        layout_rows(figures),
    )
