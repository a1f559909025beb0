"""What a page costs the box: nothing to who asks for something else, and no more with a week of history than a day."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.streaming_box import HOUR, StreamingBox

from belabox_metrics.page import view
from belabox_metrics.page.plots import Plots
from belabox_metrics.store.database import Store

if TYPE_CHECKING:
    from sqlite3 import Connection

LIB = Path(__file__).parents[3] / "lib"


class Counting(Store):
    """Counts what SQLite has to do, in hundreds of the instructions of its machine: the same on every machine."""

    steps = 0

    def reading(self) -> Connection:
        connection = super().reading()
        connection.set_progress_handler(self._count, 100)
        return connection

    def _count(self) -> int:
        self.steps += 1
        return 0


def older(box: StreamingBox, hours: range) -> None:
    """What the box has recorded in two hours, so many hours before it again; a few ids of it are taken already."""
    with box.store.writing() as connection:
        for before in hours:
            connection.execute(
                "INSERT OR IGNORE INTO runs SELECT id - ?1, job, lead_ms, boot, boottime_ms, synchronized, duration_us,"
                " outcome, priority, NULL, shape, packed, error FROM runs WHERE id >= ?2",
                (before * HOUR, box.now.wall_ms - 2 * HOUR + 1),
            )


def test_a_long_history_is_not_read(tmp_path: Path) -> None:
    box = StreamingBox(tmp_path / "metrics.db")
    older(box, range(2, 24, 2))
    store = Counting(box.store.path)
    assert view.read(store, Plots()).plots
    day, store.steps = store.steps, 0
    older(box, range(24, 24 * 7, 2))
    assert view.read(store, Plots()).plots
    assert store.steps < 1.2 * day


def test_curves_are_kept_for_a_while_and_numbers_are_not(tmp_path: Path) -> None:
    box = StreamingBox(tmp_path / "metrics.db")
    store, plots = Counting(box.store.path), Plots()
    first = view.read(store, plots)
    whole, store.steps = store.steps, 0
    box.step(temperature=77.5)
    second = view.read(store, plots)
    assert second.plots == first.plots
    assert store.steps < whole / 2
    assert second.one("cpu.temperature") == 77.5


def test_who_asks_for_health_does_not_load_the_page() -> None:
    code = f"import sys; sys.path.insert(0, {str(LIB)!r}); import belabox_metrics.health.responder; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "belabox_metrics.health.http" in loaded
    rooms = ("page", "chart", "report", "exposition", "remote", "upload")
    assert not [name for name in loaded if name.startswith(tuple(f"belabox_metrics.{room}" for room in rooms))]
    assert not {"hashlib", "hmac", "urllib", "math"} & set(loaded)
