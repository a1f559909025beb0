"""A box whose clock the test holds, and its page, read as Prometheus would."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.exposition.page import Page
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

HOUR = 3_600_000
_SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:\\.|[^"\\])*",?)*)\})? (\S+)')
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"')
_ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Read(NamedTuple):
    """samples by (name, sorted labels); kind and words by name."""

    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float]
    kinds: dict[str, str]
    words: dict[str, str]

    def value(self, name: str, **labels: str) -> float | None:
        """Of the one sample that has these labels, None without one."""
        found = [
            value
            for (known, has), value in self.samples.items()
            if known == name and labels.items() <= dict(has).items()
        ]
        assert len(found) < 2, f"{name} {labels} is not one sample"
        return found[0] if found else None


def read(page: str) -> Read:
    found = Read({}, {}, {})
    for line in page.split("\n"):
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            assert name not in found.words
            found.words[name] = words
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            found.kinds[name] = kind
        elif line:
            match = _SAMPLE.fullmatch(line)
            assert match, line
            labels = [
                (name, re.sub(r"\\.", lambda part: _ESCAPED[part[0]], value))
                for name, value in _LABEL.findall(match[2] or "")
            ]
            key = match[1], tuple(sorted(labels))
            assert key not in found.samples, f"{line} stands there twice"
            assert match[1] in found.kinds, f"{line} is of no type"
            found.samples[key] = float(match[3])
    return found


class Box:
    """An hour after boot, with the metrics `a.b` (10 s) and `c.d` (1 min)."""

    def __init__(self, path: str) -> None:
        self.store = Store(path)
        self.moment = Moment(1_700_000_000_000, HOUR, "boot-a", True)
        self.page = Page(self.store)
        self.configure({})

    def configure(self, more: dict[tuple[str, str], str | int]) -> None:
        rows: dict[tuple[str, str], str | int] = {("device", "id"): "box-1", **more}
        for metric, interval_ms in (("a.b", 10_000), ("c.d", 60_000)):
            rows.setdefault((f"metrics/{metric}", "interval_ms"), interval_ms)
            rows.setdefault((f"metrics/{metric}", "scheduled"), 1)
        replace_settings(self.store.path, [(section, key, 0, value) for (section, key), value in rows.items()])

    def run(
        self,
        metric: str,
        *values: tuple[str, float | str | None, dict[str, str]],
        job: str = "collect",
        outcome: int = runs.DONE,
        priority: int = 2,
        duration_us: int = 0,
    ) -> None:
        run = runs.Run(
            job,
            self.moment,
            metric=metric,
            samples=[Sample(name, value, tags) for name, value, tags in values],
            outcome=outcome,
            priority=priority,
            error="why" if outcome != runs.DONE else "",
            duration_us=duration_us,
        )
        with self.store.writing() as connection:
            runs.add(connection, run)

    def sql(self, statement: str, *values: object) -> None:
        with self.store.writing() as connection:
            connection.execute(statement, values)

    def wait(self, seconds: float) -> None:
        ms = int(seconds * 1000)
        self.moment = Moment(self.moment.wall_ms + ms, self.moment.boottime_ms + ms, self.moment.boot_id, True)

    def reboot(self) -> None:
        """Another boot, ten seconds old: nothing is late yet."""
        self.moment = Moment(self.moment.wall_ms + 20_000, 10_000, "boot-b", True)

    def read(self) -> Read:
        page = self.page.text(self.moment)
        check(page)
        return read(page)


def check(page: str) -> None:
    """promtool takes it, and finds no fault but the names that the specification fixed."""
    done = subprocess.run(["promtool", "check", "metrics"], input=page.encode(), capture_output=True, check=False)
    complaints = (done.stdout + done.stderr).decode().splitlines()
    # network_counter_resets_total counts counters.
    known = ("abbreviated units", "modem_count non-histogram", "network_counter_resets_total metric name should")
    assert [line for line in complaints if not any(words in line for words in known)] == []
    assert done.returncode == (3 if complaints else 0)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path / "metrics.db"))
    yield box
    box.store.close()
