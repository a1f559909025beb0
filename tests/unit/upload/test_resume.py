"""What an activation finds under way, and what is more than one activation, one chunk or the disk has room for."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from belabox_metrics import clock
from belabox_metrics.clock import Moment
from belabox_metrics.mark import UPLOAD
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.flights import Flight
from belabox_metrics.upload import drain, sender, uploader

from .box import Box, Remote, status, upload


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_what_cannot_be_written_down_is_not_sent_over_and_over(small_disk: Path, remote: Remote) -> None:
    box = Box(small_disk, remote.url)
    box.moment = clock.now()
    box.sample(2, count=40)
    remote.answer = status(503)
    assert upload(box.store).returncode == 75
    remote.answer = status(204)
    remote.requests.clear()
    fill = os.open(small_disk / "fill", os.O_CREAT | os.O_WRONLY)
    with pytest.raises(OSError, match="No space"):
        while True:
            os.write(fill, bytes(4096))
    for _ in range(8):
        done = upload(box.store)
        assert (done.returncode, "the disk is full" in done.stderr) == (75, True)
    # In the last block of the disk there may be room to begin, and none to end: a page of 1 KB a time.
    assert len(remote.requests) <= 3
    os.ftruncate(fill, 0)
    os.close(fill)
    assert upload(box.store).returncode == 0
    assert box.pending() == 0
    assert len(set(remote.arrived())) == 40


def test_on_a_disk_that_is_read_only_it_is_not_started_again_and_again(
    small_disk: Path, tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """75 is no failure to systemd, which starts it as long as the file that woke it is there."""
    for name in ("WANTED", "RUN"):
        monkeypatch.setenv(f"BELABOX_METRICS_{name}", str(tmp_path / name))
    (tmp_path / "RUN").mkdir()
    box = Box(tmp_path, remote.url)
    box.sample(0)
    UPLOAD.leave()
    subprocess.run(["mount", "--bind", tmp_path, small_disk], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", small_disk], check=True)
    try:
        monkeypatch.setenv("BELABOX_METRICS_DATABASE", str(small_disk / "metrics.db"))
        assert uploader.main(["--due"]) == 75
    finally:
        subprocess.run(["umount", "-l", small_disk], check=True)
    assert not UPLOAD.is_left()
    monkeypatch.setenv("BELABOX_METRICS_DATABASE", box.store.path)
    assert uploader.main(["--due"]) == 0
    assert len(remote.arrived()) == 1


@pytest.mark.parametrize("changed", ["", "gar\rbage", "Content-Type: application/json\n"])
def test_what_was_written_for_another_format_is_written_anew(tmp_path: Path, remote: Remote, changed: str) -> None:
    """To VictoriaMetrics' import a document is nothing, and the answer 204 all the same."""
    box = Box(tmp_path, remote.url, format="json")
    box.sample(2, count=30)
    remote.answer = status(503)
    assert box.upload() == 75
    with box.store.writing() as connection:
        connection.execute("UPDATE flights SET headers = ?", (changed,))
    box.wait(60)
    box.sample(2, count=3)
    box.configure(format="victoriametrics")
    remote.answer = status(204)
    assert box.upload() == 0
    assert len(remote.arrived()) == len(set(remote.arrived())) == 33
    assert box.pending() == 0
    keys = [headers["Idempotency-Key"] for headers, _ in remote.requests]
    assert len(keys) == len(set(keys)) == 3


def test_a_run_that_is_longer_than_a_chunk_can_be_goes_in_parts(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (drain, sender):
        monkeypatch.setattr(module, "CHUNK_BYTES", 2048)
    noise = random.Random(1)
    box = Box(tmp_path, remote.url)
    for _ in range(2):
        samples = [Sample("n", noise.random(), {"at": str(at)}) for at in range(1000)]
        with box.store.writing() as connection:
            runs.add(connection, runs.Run("collect", box.moment, metric="n", samples=samples))
        box.wait(1)
    assert box.upload() == 0
    assert max(len(body) for _, body in remote.requests) <= 2048
    assert len(remote.arrived()) == len(set(remote.arrived())) == 2000
    assert box.pending() == 0
    box.wait(60)
    before = len(remote.requests)
    assert box.upload(everything=True) == 0
    assert len(remote.requests) == before


def test_setting_aside_takes_no_longer_than_an_activation_has(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(tmp_path, remote.url)
    for at in range(200):
        with box.store.writing() as connection:
            never_right = Moment(at * 1000, at * 1000, "another boot", False)
            runs.add(connection, runs.Run("collect", never_right, metric="n", samples=[Sample("n", at)]))
    with monkeypatch.context() as patched:
        # A second passes whenever somebody looks.
        patched.setattr(drain, "time", SimpleNamespace(monotonic=itertools.count().__next__))
        assert box.upload(everything=True) == 0
    assert 0 < box.pending() < 200
    while box.pending():
        assert box.upload(everything=True) == 0
    assert box.sql("SELECT count(*) FROM rejected") == [(200,)]


def test_a_long_chunk_of_before_the_stream_does_not_outlast_the_unit(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is paced, but not to minutes: systemd would end the uploader, again and again."""
    noise = random.Random(1)
    box = Box(tmp_path, remote.url)
    for _ in range(100):
        box.sample(2, count=50, value=noise.random())
        box.wait(1)
    remote.answer = status(503)
    assert box.upload() == 75
    with box.store.writing() as connection:
        connection.execute("UPDATE flights SET backlog = 1")
        connection.execute("UPDATE link SET rate = 1000")
    (length,) = box.sql("SELECT length(body) FROM flights")[0]
    box.live()
    box.wait(60)
    monkeypatch.setattr(drain, "PACED_S", 0.5)
    paced: list[float | None] = []
    send = sender.Sender.send

    def noted(self: sender.Sender, flight: Flight, limit: float | None) -> object:
        paced.append(limit)
        return send(self, flight, limit)

    monkeypatch.setattr(sender.Sender, "send", noted)
    remote.answer = status(204)
    assert box.upload() == 0
    assert float(str(length)) / 0.5 in paced


@pytest.mark.parametrize("name", ["victoriametrics", "json", "prometheus-remote-write"])
@pytest.mark.parametrize(
    "value",
    [
        "CAST(replace(CAST(headers AS BLOB), x'0a436f6e', x'0a43ff6e') AS TEXT)",
        "replace(headers, 'Content-Encoding', '')",
        "replace(headers, 'Encoding: ', 'Encoding: ' || char(0))",
        "''",
    ],
)
def test_headers_that_a_card_gives_back_otherwise_do_not_stop_the_queue(
    tmp_path: Path, remote: Remote, name: str, value: str
) -> None:
    box = Box(tmp_path, remote.url, format=name)
    box.sample(2, count=40)
    remote.answer = status(503)
    assert upload(box.store).returncode == 75
    with box.store.writing() as connection:
        connection.execute(f"UPDATE flights SET headers = {value}")
    remote.answer = status(200)
    done = upload(box.store)
    assert (done.returncode, box.pending()) == (0, 0), done.stderr
    assert len(remote.accepted) == 1


@pytest.mark.parametrize("before", [True, False])
def test_what_is_under_way_stays_what_it_is_when_compression_changes(
    tmp_path: Path, remote: Remote, before: bool
) -> None:
    """The answer may have been lost: another body under another key would be there twice."""
    box = Box(tmp_path, remote.url, compression=before)
    box.sample(2, count=40)
    remote.answer = status(503)
    assert upload(box.store).returncode == 75
    box.configure(compression=not before)
    remote.answer = status(200)
    assert upload(box.store).returncode == 0
    first, second = [(headers["Idempotency-Key"], body) for headers, body in remote.requests]
    assert first == second
