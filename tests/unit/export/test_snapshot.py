"""A copy of the database is whole, holds up nobody, and can be put in the place of the database."""

from __future__ import annotations

import fcntl
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from belabox_metrics.errors import Problem, StoreProblem, UsageProblem
from belabox_metrics.export import snapshot
from belabox_metrics.store import queue
from belabox_metrics.store.database import Store

from .conftest import START_MS, Box


def _left(path: Path) -> list[str]:
    """What is there besides the database."""
    return sorted(name for name in os.listdir(path) if not name.startswith("metrics.db"))


def test_it_is_all_that_is_stored_and_belongs_to_whom_the_database_belongs_to(
    box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    box.many(50)
    copy = box.path / "a b%3f#.db"
    os.chmod(box.store.path, 0o660)
    if os.geteuid() == 0:
        os.chown(box.store.path, 4321, 4322)
    assert snapshot.main([str(copy), "--database", box.store.path]) == 0
    assert "50 runs, up to 2023-11-1" in capsys.readouterr().out
    assert _left(box.path) == [copy.name]
    ours, theirs = os.stat(copy), os.stat(box.store.path)
    assert (ours.st_mode & 0o777, ours.st_uid, ours.st_gid) == (0o660, theirs.st_uid, theirs.st_gid)
    for table in ("runs", "jobs", "series", "settings", "boots", "positions"):
        wanted = box.store.connection().execute(f"SELECT * FROM {table}").fetchall()
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute(f"SELECT * FROM {table}").fetchall() == wanted


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory to which everybody gets; to those of pytest root alone."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
def test_root_overwrites_nothing_for_whom_the_directory_belongs_to(
    box: Box, reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He knows the name, and puts a link there once the file was made."""
    box.many(5)
    precious = box.path / "precious"
    with closing(sqlite3.connect(precious)) as connection:
        connection.execute("CREATE TABLE kept (a)")
    before = precious.read_bytes()
    theirs = reachable
    os.chown(theirs, 65534, 65534)
    deeper = theirs / "deeper"
    deeper.mkdir()
    need_space = snapshot._need_space

    def swapped(path: str, size: int) -> None:
        (partial,) = Path(path).parent.glob(".*.partial")
        partial.unlink()
        partial.symlink_to(precious)
        need_space(path, size)

    for folder in (theirs, deeper):
        copy = folder / "copy.db"
        assert snapshot.take(Store(box.store.path), str(copy)).runs == 5
        assert os.stat(copy).st_uid == os.stat(box.store.path).st_uid
        copy.unlink()
        with monkeypatch.context() as patched:
            patched.setattr(snapshot, "_need_space", swapped)
            with pytest.raises(Problem):
                snapshot.take(Store(box.store.path), str(copy))
        assert precious.read_bytes() == before
        assert os.geteuid() == 0


def test_writers_go_on_and_what_they_write_is_not_in_it(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.many(500)
    monkeypatch.setattr(snapshot, "PAGES", 1)
    written = 0

    class Collector:
        """Stores a run after every page that was copied."""

        def __init__(self, *_: object) -> None:
            pass

        def reach(self, _: int) -> None:
            nonlocal written
            box.many(1)
            written += 1
            assert written < 1000, "the copy begins anew with each commit"

        def end(self) -> None:
            pass

    monkeypatch.setattr(snapshot, "Progress", Collector)
    made = snapshot.take(box.store, str(box.path / "copy.db"))
    assert (made.runs, made.newest_ms) == (500, START_MS + 499_000)
    assert written > 30


def test_the_lock_of_the_writers_is_not_asked_for(box: Box) -> None:
    box.many(3)
    with open(box.store.path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert snapshot.take(Store(box.store.path, 0.1), str(box.path / "copy.db")).runs == 3


@pytest.mark.parametrize("taken", ["file", "link to nowhere", "directory", "no directory"])
def test_nothing_is_overwritten(box: Box, taken: str) -> None:
    box.many(3)
    copy = box.path / "copy.db"
    if taken == "file":
        copy.write_text("precious")
    elif taken == "link to nowhere":
        copy.symlink_to(box.path / "elsewhere")
    elif taken == "directory":
        copy.mkdir()
    else:
        copy = box.path / "none" / "copy.db"
    before = _left(box.path)
    with pytest.raises(UsageProblem, match=r"there already|directory"):
        snapshot.take(box.store, str(copy))
    assert _left(box.path) == before
    assert taken != "file" or copy.read_text() == "precious"


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.many(3)
    copy = box.path / "copy.db"
    monkeypatch.setattr(snapshot, "_checked", lambda *_: (copy.write_text("precious"), None))
    with pytest.raises(UsageProblem, match="there already"):
        snapshot.take(box.store, str(copy))
    assert (_left(box.path), copy.read_text()) == (["copy.db"], "precious")


@contextmanager
def _no_file_over(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_there_is_no_room_nothing_is_left(box: Box) -> None:
    box.many(2000)
    with _no_file_over(20_000), pytest.raises(StoreProblem):
        snapshot.take(box.store, str(box.path / "copy.db"))
    assert _left(box.path) == []


@pytest.mark.parametrize("page", [1, 20, 60])
def test_a_damaged_database_makes_no_copy(box: Box, page: int) -> None:
    box.many(2000)
    with box.store.writing(checkpoint_first=True):
        pass
    box.store.close()
    with open(box.store.path, "r+b") as file:
        file.seek(page * 1024)
        file.write(b"\xff" * 8192)
    with pytest.raises(Problem, match="damaged"):
        snapshot.take(Store(box.store.path), str(box.path / "copy.db"))
    assert _left(box.path) == []


def test_put_back_it_goes_on_where_it_was_taken(box: Box) -> None:
    box.many(20)
    with box.store.writing() as connection:
        queue.advance(connection, 2, START_MS + 9_000)
    snapshot.take(box.store, str(box.path / "copy.db"))
    box.many(5)
    box.store.close()
    # What docs/export.md says is to be done.
    for name in ("metrics.db", "metrics.db-wal", "metrics.db-shm"):
        (box.path / name).unlink(missing_ok=True)
    os.rename(box.path / "copy.db", box.store.path)
    box.many(1)
    connection = box.store.connection()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [row[0] - START_MS for row in connection.execute("SELECT id FROM runs ORDER BY id DESC LIMIT 2")] == [
        25_000,
        19_000,
    ]
    assert [run.timestamp_ms - START_MS for run in queue.pending(connection, 2, 2)] == [10_000]


def test_without_a_database_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert snapshot.main([str(tmp_path / "copy.db"), "--database", str(tmp_path / "none.db")]) == 1
    assert "there is no database yet" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
