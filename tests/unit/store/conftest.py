from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store


class Box:
    """A store with a clock of its own: `run` writes one collection at the time the test says it is."""

    def __init__(self, path: str) -> None:
        self.store = Store(path)
        self.moment = Moment(1_700_000_000_000, 60_000, "boot-a", False)

    def run(self, *samples: Sample, metric: str = "cpu.usage", **more: object) -> runs.Run:
        run = runs.Run("collect", self.moment, metric=metric, samples=list(samples), **more)  # type: ignore[arg-type]
        with self.store.writing() as connection:
            runs.add(connection, run)
        return run

    def step(self, wall_ms: int, boottime_ms: int | None = None) -> None:
        """Wall clock and time since boot go on; apart when the clock is set."""
        moment = self.moment
        passed = wall_ms if boottime_ms is None else boottime_ms
        self.moment = Moment(moment.wall_ms + wall_ms, moment.boottime_ms + passed, moment.boot_id, False)

    def reboot(self, boot_id: str) -> None:
        self.moment = Moment(self.moment.wall_ms + 60_000, 20_000, boot_id, False)

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return self.store.connection().execute(query, values).fetchall()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path / "metrics.db"))
    yield box
    box.store.close()
