from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

# A midnight, UTC.
START_MS = 1_700_006_400_000


class Box:
    """A store with a clock of its own, set from a server unless a test says otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = Store(str(path / "metrics.db"))
        self.moment = Moment(START_MS, 60_000, "boot-a", True)
        self.configure()

    def configure(self, **archive: int | str) -> None:
        rows: list[tuple[str, str, int, int | str | float]] = [("device", "id", 0, "box")]
        rows += [("storage.archive", key, 0, value) for key, value in archive.items()]
        replace_settings(self.store.path, rows)

    def run(self, *samples: Sample, metric: str = "m", job: str = "collect") -> None:
        with self.store.writing() as connection:
            runs.add(connection, runs.Run(job, self.moment, metric=metric, samples=list(samples)))

    def step(self, ms: int) -> None:
        moment = self.moment
        self.moment = Moment(moment.wall_ms + ms, moment.boottime_ms + ms, moment.boot_id, moment.synchronized)

    def many(self, count: int, every_ms: int = 1000, start: int = 0) -> None:
        """`count` runs of a gauge, a counter and a text, in one transaction."""
        with self.store.writing() as connection:
            for at in range(start, start + count):
                samples = [
                    Sample("cpu.temperature", 40 + at % 7 / 10),
                    Sample("network.tx_bytes_total", at * 1000, {"interface": "eth0"}),
                    Sample("cpu.name", f"a{at}"),
                ]
                runs.add(connection, runs.Run("collect", self.moment, metric="m", samples=samples))
                self.step(every_ms)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    yield box
    box.store.close()
