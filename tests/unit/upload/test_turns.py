"""Two uploaders at once, by hand and by the timer: one after the other."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from belabox_metrics import clock
from belabox_metrics.clock import Moment
from belabox_metrics.mark import UPLOAD
from belabox_metrics.store import link, runs
from belabox_metrics.store.database import Store
from belabox_metrics.store.lock import Lock
from belabox_metrics.upload import drain, uploader

from .box import Box, Handler, Remote, status, upload


def test_a_second_uploader_waits_and_finds_nothing_left(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, chunk_size=50)
    box.moment = clock.now()
    for at in range(4):
        box.sample(2, f"n{at}", count=50)
        box.wait(0.001)
    release, arrived = threading.Event(), threading.Event()

    def hold(handler: Handler) -> None:
        arrived.set()
        release.wait(60)
        status(204)(handler)

    remote.answer = hold
    codes: list[int] = []
    both = [threading.Thread(target=lambda: codes.append(upload(box.store).returncode)) for _ in range(2)]
    both[0].start()
    assert arrived.wait(60)
    both[1].start()
    # The first one is in the middle of a request; the other is seen to wait for it.
    while not _waiting(f"{box.store.path}.upload"):
        threading.Event().wait(0.01)
    release.set()
    for one in both:
        one.join()
    assert codes == [0, 0]
    assert len(remote.arrived()) == len(set(remote.arrived())) == 200
    assert len({headers["Idempotency-Key"] for headers, _ in remote.requests}) == len(remote.requests) == 4
    assert box.pending() == 0


def test_who_does_not_get_its_turn_leaves_everything_as_it_was(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file that woke it above all: the next one is to see that something critical waits."""
    box = Box(tmp_path, remote.url)
    box.sample(0)
    monkeypatch.setenv("BELABOX_METRICS_DATABASE", box.store.path)
    monkeypatch.setenv("BELABOX_METRICS_WANTED", str(tmp_path / "wanted"))
    monkeypatch.setattr(uploader, "TURN_S", 0.01)
    UPLOAD.leave()
    another = Lock(f"{box.store.path}.upload", 1)
    another.acquire()
    assert uploader.main(["--due"]) == 75
    assert UPLOAD.is_left()
    assert remote.requests == []
    assert "the lock was not free" in capsys.readouterr().err
    another.release()
    assert uploader.main(["--due"]) == 0
    assert not UPLOAD.is_left()
    assert len(remote.arrived()) == 1


@pytest.mark.parametrize("boot", ["boot", "another boot"])
def test_what_an_upload_finds_out_of_the_server_of_before_does_not_hold_for_the_new_one(
    tmp_path: Path, remote: Remote, boot: str
) -> None:
    """`apply` comes in the middle of a request, and has the new server tried at once."""
    box = Box(tmp_path, remote.url)
    box.sample(2)
    remote.answer = status(503)
    assert box.upload() == 75
    box.wait(60)
    box.moment = Moment(box.moment.wall_ms, box.moment.boottime_ms, boot, True)

    def applied(handler: Handler) -> None:
        other = Store(box.store.path)
        with other.writing() as connection:
            link.forget(connection)
        other.close()
        status(401)(handler)

    remote.answer = applied
    assert box.upload() == 1
    remote.answer = status(204)
    assert box.upload() == 0
    assert box.pending() == 0


def test_a_person_is_told_what_is_left(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Box(tmp_path, remote.url)
    for _ in range(3):
        box.sample(2, count=50)
    box.upload()
    assert capsys.readouterr().out == ""
    assert box.upload(everything=True) == 0
    assert capsys.readouterr().out == "nothing is pending any more\n"
    for _ in range(3):
        box.sample(2, count=50)
    monkeypatch.setattr(drain, "BACKLOG_S", 0.0)
    assert box.upload(everything=True) == 0
    assert capsys.readouterr().out == "150 samples are still pending\n"


def _waiting(path: str) -> bool:
    """Whether somebody waits for the lock on `path` (proc_locks(5))."""
    inode = Path(path).stat().st_ino
    return any("->" in line and f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines())


def test_where_nothing_is_left_to_be_tried_again_no_collection_asks_for_it(tmp_path: Path) -> None:
    """The server did not tell the time when it was asked; then a time server did, and what waits is not due."""
    box = Box(tmp_path, "http://127.0.0.1:9/api/v1/import", retry__jitter_percent=0)
    box.moment = Moment(box.moment.wall_ms, box.moment.boottime_ms, "boot", False)
    assert box.upload() == 0
    box.sample(3)
    assert box.upload() == 75
    box.wait(10)
    assert runs.retry_has_come(box.store.connection(), box.moment)
    assert box.upload() == 0
    assert not runs.retry_has_come(box.store.connection(), box.moment)
    assert box.pending() == 1
