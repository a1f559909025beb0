from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.query import command
from belabox_metrics.query.screen import Screen
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.database import Store

# 2023-11-14 22:00 UTC
START_MS = 1_699_999_200_000
MINUTE_MS = 60_000


class Box:
    """A store, and `query` at a screen of a chosen size."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.store = Store(str(path / "metrics.db"))
        self.store.connection()
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def fill(
        self,
        name: str,
        values: Callable[[int], object],
        minutes: range,
        tags: dict[str, str] | None = None,
        metric: str = "m",
    ) -> None:
        """A sample at each of `minutes` after START_MS, of what `values` says of it."""
        with self.store.writing() as connection:
            for minute in minutes:
                at = START_MS + minute * MINUTE_MS
                samples = [Sample(name, values(minute), tags)]  # type: ignore[arg-type]
                moment = Moment(at, at - START_MS + 1, "b", True)
                runs.add(connection, runs.Run("collect", moment, metric=metric, samples=samples))

    def query(
        self, *words: str, columns: int = 80, lines: int = 24, unicode: bool = True, coloured: bool = False
    ) -> list[str]:
        """What it prints, lines; it leaves with 0."""
        screen = Screen(columns, lines, unicode=unicode, coloured=coloured)
        self._monkeypatch.setattr(command, "of_stdout", lambda: screen)
        assert command.main([*words, "--database", self.store.path]) == 0
        return self._capsys.readouterr().out.splitlines()


@pytest.fixture
def box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], utc: None
) -> Iterator[Box]:
    box = Box(tmp_path, monkeypatch, capsys)
    yield box
    box.store.close()
