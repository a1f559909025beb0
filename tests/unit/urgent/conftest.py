from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

from belabox_metrics import collect
from belabox_metrics.clock import Moment
from belabox_metrics.errors import NoData
from belabox_metrics.mark import UPLOAD
from belabox_metrics.sample import Sample
from belabox_metrics.store import link as link_store
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.world import Reading, World

Answer = Callable[[World], Reading]


class Box:
    """A database, a metric `heat` whose collector answers what the test says, and a clock that the test moves."""

    def __init__(self, path: Path) -> None:
        self.wanted = path / "run" / "upload-wanted"
        self.wanted.parent.mkdir()
        self.store = Store(str(path / "metrics.db"))
        self.moment = Moment(1_700_000_000_000, 600_000, "boot-a", True)
        self.settings: dict[tuple[str, str], object] = {
            ("metrics/heat", "interval_ms"): 5_000,
            ("remote", "enabled"): 1,
            ("remote", "url"): "http://server/",
            ("remote.priority", "high_ms"): 10_000,
            ("remote.retry", "initial_backoff_ms"): 5_000,
        }

    def alerts(self, *rules: str) -> None:
        for position, rule in enumerate(rules):
            self.settings["metrics/heat", f"alert/{position}"] = rule
            self.settings["metrics/heat", f"watch/{position}"] = "heat ? 0"

    def collect(self, answer: Answer | Reading | Sample | Exception, priority: int = 2) -> int:
        """One collection; its exit code."""
        rows = []
        for (section, key), value in self.settings.items():
            name, _, position = key.partition("/")
            rows.append((section, name, int(position or 0), value))
        replace_settings(self.store.path, rows)  # type: ignore[arg-type]
        collector = ModuleType("heat")
        found = {"METRIC": "heat", "PRIORITY": priority, "SETTINGS": {}, "collect": _answering(answer)}
        collector.__dict__.update(found)
        request = collect.Request("heat", "", self.store.path, dry_run=False)
        return collect.collect(collector, request, self.moment, time.perf_counter_ns())

    def step(self, ms: int) -> None:
        self.moment = Moment(self.moment.wall_ms + ms, self.moment.boottime_ms + ms, self.moment.boot_id, True)

    def reboot(self) -> None:
        self.moment = Moment(self.moment.wall_ms + 60_000, 20_000, "boot-b", True)

    def attempted(self, **known: object) -> None:
        """The uploader has tried in this boot, and knows this about the server."""
        link = link_store.Link()
        for name, value in known.items():
            setattr(link, name, value)
        with self.store.writing() as connection:
            runs.add(connection, runs.Run("upload", self.moment, priority=3))
            link_store.write(connection, link, self.moment)

    def is_woken(self) -> bool:
        """Whether the uploader was asked for since the last time."""
        woken = UPLOAD.is_left()
        UPLOAD.remove()
        return woken

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return self.store.connection().execute(query, values).fetchall()


def _answering(answer: Answer | Reading | Sample | Exception) -> Answer:
    def collector(world: World) -> Reading:
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Sample):
            return Reading([answer])
        return answer if isinstance(answer, Reading) else answer(world)

    return collector


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    box = Box(tmp_path)
    monkeypatch.setenv("BELABOX_METRICS_WANTED", str(box.wanted))
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    yield box
    box.store.close()


GONE = NoData("nothing to look at")
