"""Runs carved out of a file that is mostly a hole."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import carving, header, runs
from belabox_metrics.store.carving import Carving
from belabox_metrics.store.database import Store
from belabox_metrics.store.schema import PAGE_SIZE

START_MS = 1_700_000_000_000
# Read at a gigabyte a second it would take a quarter of an hour.
HOLE = 2**40


def filled(path: Path, folded: bool = True) -> list[int]:
    """The ids of some hundred runs, which are in the file, or in its log alone."""
    store = Store(str(path))
    with store.writing() as connection:
        for number in range(300):
            moment = Moment(START_MS + 1000 * number, 1000 * number, "boot", True)
            runs.add(connection, runs.Run("collect", moment, metric="m", samples=[Sample("n", number)]))
    if folded:
        store.close()
    return [START_MS + 1000 * number for number in range(300)]


@pytest.mark.parametrize("hole", ["behind", "before", "none"])
def test_holes_are_not_read(tmp_path: Path, hole: str) -> None:
    path = tmp_path / "metrics.db"
    ids = filled(path)
    if hole == "behind":
        os.truncate(path, HOLE)
    elif hole == "before":
        pages = path.read_bytes()
        with path.open("wb") as file:
            file.seek(HOLE)
            file.write(pages)
    assert [row[0] for row in Carving(str(path)).runs(-1)] == ids


def test_a_file_system_that_knows_no_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = filled(tmp_path / "metrics.db")

    def refuses(*_: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "lseek", refuses)
    assert [row[0] for row in Carving(str(tmp_path / "metrics.db")).runs(-1)] == ids


def test_a_header_is_mended_whatever_the_size_is(tmp_path: Path) -> None:
    path = tmp_path / "metrics.db"
    filled(path)
    with path.open("r+b") as file:
        file.write(b"nothing of this")
        file.truncate((2**32 + 5) * PAGE_SIZE)
    assert header.mend(str(path))
    assert path.open("rb").read(16) == header.MAGIC


class Torn(io.FileIO):
    """A file on a card that does not give back some of its sectors, as the kernel tells it: what is before is short."""

    bad = range(0)

    def readinto(self, buffer: Any) -> int | None:
        at = self.tell()
        if at in self.bad:
            raise OSError(5, "Input/output error")
        return super().readinto(memoryview(buffer)[: self.bad.start - at if at < self.bad.start else None])


@pytest.mark.parametrize("folded", [True, False])
def test_what_lies_around_a_sector_that_is_gone_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folded: bool
) -> None:
    path = tmp_path / "metrics.db"
    ids = filled(path, folded)
    torn = path if folded else Path(f"{path}-wal")
    middle = torn.read_bytes().index(b"[150]") // 4096 * 4096

    def opened(place: str, _mode: str) -> io.BufferedReader:
        raw = Torn(place)
        raw.bad = range(middle, middle + 4096) if place == str(torn) else range(0)
        return io.BufferedReader(raw)

    monkeypatch.setattr(carving, "open", opened, raising=False)
    found = [row[0] for row in Carving(str(path)).runs(-1)]
    lost = set(ids) - set(found)
    assert found == [number for number in ids if number not in lost]
    assert found[0] < min(lost) < max(lost) < found[-1]
