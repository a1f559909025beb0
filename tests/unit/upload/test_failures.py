"""Servers that misbehave: everything stays pending, the record says why, the exit code says whether to come again."""

from __future__ import annotations

import gzip
import http.server
import socket
import threading
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

from .box import Answer, Remote, status, upload


def box(path: Path, url: str, **settings: int | str) -> Store:
    store = Store(str(path / "metrics.db"))
    rows: list[tuple[str, str, int, int | str | float]] = [("device", "id", 0, "box"), ("remote", "url", 0, url)]
    rows += [("remote", key, 0, value) for key, value in {"enabled": 1, "timeout_ms": 60_000, **settings}.items()]
    replace_settings(store.path, rows)
    for number in range(6):
        moment = Moment(1_700_000_000_000 + number * 1000, number * 1000, "boot", True)
        samples = [Sample("n.value", number, {"at": str(at)}) for at in range(20)]
        with store.writing() as connection:
            runs.add(connection, runs.Run("collect", moment, metric="n", samples=samples, priority=3 - number // 2))
    return store


def test_headers_and_order_are_the_documented_ones(tmp_path: Path, remote: Remote) -> None:
    store = box(tmp_path, remote.url)
    done = upload(store)
    assert done.returncode == 0, done.stderr
    headers = remote.requests[0][0]
    assert headers["Content-Type"] == "application/x-ndjson"
    assert headers["Content-Encoding"] == "gzip"
    assert headers["User-Agent"].startswith("belabox-metrics/")
    assert headers["X-Device-ID"] == "box"
    # 20 numbers a run, 50 a chunk: two runs each, the most urgent priority first.
    assert [len(gzip.decompress(body).splitlines()) for _, body in remote.requests] == [20, 20, 20]
    times = [line["timestamps"] for line in remote.lines()]
    start = 1_700_000_000_000
    assert times[0] == [start + 4000, start + 5000]
    assert times[20] == [start + 2000, start + 3000]
    assert times[40] == [start, start + 1000]
    assert "BELABOX" not in done.stderr
    assert "120 samples sent in 3 chunks" in done.stderr


def test_a_backlog_goes_in_chunks_as_long_as_a_batch_and_more_than_one(tmp_path: Path, remote: Remote) -> None:
    store = box(tmp_path, remote.url, batch_size=40, chunk_size=20)
    done = upload(store)
    assert done.returncode == 0, done.stderr
    assert "120 samples sent in 3 chunks" in done.stderr
    assert [len(gzip.decompress(body).splitlines()) for _, body in remote.requests] == [20, 20, 20]
    assert queue.pending_count(store.connection()) == 0


def test_a_batch_goes_in_chunks(tmp_path: Path, remote: Remote) -> None:
    store = box(tmp_path, remote.url, batch_size=120, chunk_size=20)
    assert "120 samples sent in 6 chunks" in upload(store).stderr


def drop(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def hang(handler: http.server.BaseHTTPRequestHandler) -> None:
    threading.Event().wait(20)


def web_page(handler: http.server.BaseHTTPRequestHandler) -> None:
    status(200, **{"Content-Type": "text/html; charset=utf-8"})(handler)


def nameless_page(handler: http.server.BaseHTTPRequestHandler) -> None:
    status(200, "\n<!doctype html><title>Log in</title>")(handler)


def cut_short(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"abc")
    drop(handler)


def trickle(handler: http.server.BaseHTTPRequestHandler) -> None:
    """A byte every tenth of a second: no single wait is long, all of them together are."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        for _ in range(300):
            handler.wfile.write(b"a")
            threading.Event().wait(0.1)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (status(400), 1, "answered 400"),
        (status(401), 1, "answered 401"),
        (status(404), 1, "answered 404"),
        (status(413), 1, "answered 413"),
        (status(302, Location="http://127.0.0.1:1/elsewhere"), 1, "a redirect is not followed"),
        (status(429), 75, "answered 429"),
        (status(500), 75, "answered 500"),
        (status(503), 75, "answered 503"),
        (drop, 75, "pending"),
        (hang, 75, "no answer in time"),
        (web_page, 1, "with a web page"),
        (nameless_page, 1, "with a web page"),
        (trickle, 75, "no whole answer in 4 s"),
    ],
    ids=[
        "400",
        "401",
        "404",
        "413",
        "redirect",
        "429",
        "500",
        "503",
        "drop",
        "hang",
        "web page",
        "web page without a type",
        "trickle",
    ],
)
def test_what_was_not_accepted_stays_pending(
    tmp_path: Path, remote: Remote, answer: Answer, code: int, said: str
) -> None:
    # Only these are to be waited for in vain.
    store = box(tmp_path, remote.url, timeout_ms=2000 if answer in (hang, trickle) else 60_000)
    remote.answer = answer
    done = upload(store)
    assert done.returncode == code
    assert said in done.stderr
    assert len([line for line in done.stderr.splitlines() if "Traceback" in line]) == 0
    assert queue.pending_count(store.connection()) == 120
    row = store.connection().execute("SELECT last_outcome, failures, last_error FROM jobs WHERE job = 'upload'")
    outcome, failures, error = row.fetchone()
    assert (outcome, failures) == (runs.FAILED, 1)
    assert said in error
    remote.answer = status(204)
    remote.accepted.clear()
    assert upload(store).returncode == 0
    assert queue.pending_count(store.connection()) == 0
    assert len(set(remote.arrived())) == len(remote.arrived()) == 120


def test_what_was_accepted_before_a_failure_is_not_sent_again(tmp_path: Path, remote: Remote) -> None:
    store = box(tmp_path, remote.url)

    def second_fails(handler: http.server.BaseHTTPRequestHandler) -> None:
        status(503 if len(remote.requests) == 2 else 204)(handler)

    remote.answer = second_fails
    assert upload(store).returncode == 75
    assert queue.pending_count(store.connection()) == 80
    remote.requests.clear()
    remote.answer = status(204)
    upload(store)
    assert min(min(line["timestamps"]) for line in remote.lines()) == 1_700_000_000_000  # type: ignore[call-overload]
    assert len(remote.lines()) == 40


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/api/v1/import", "Connection refused"),
        ("http://no-such-host.invalid/api/v1/import", "no-such-host.invalid/api/v1/import"),
    ],
    ids=["refused", "unknown host"],
)
def test_a_server_that_is_not_there(tmp_path: Path, url: str, said: str) -> None:
    store = box(tmp_path, url)
    done = upload(store)
    assert done.returncode == 75
    assert said in done.stderr
    assert queue.pending_count(store.connection()) == 120


def test_a_secret_in_the_query_never_shows(tmp_path: Path, remote: Remote) -> None:
    store = box(tmp_path, remote.url + "?token=canary-7f3")
    assert upload(store).returncode == 0
    remote.answer = status(500)
    with store.writing() as connection:
        moment = Moment(1_700_000_100_000, 100_000, "boot", True)
        runs.add(connection, runs.Run("collect", moment, metric="n", samples=[Sample("n", 1)]))
    done = upload(store)
    assert done.returncode == 75
    errors = store.connection().execute("SELECT group_concat(last_error) FROM jobs").fetchone()[0]
    assert "canary" not in done.stderr + errors


def test_a_collector_is_not_delayed_by_an_upload_that_hangs(tmp_path: Path, remote: Remote) -> None:
    store = box(tmp_path, remote.url)
    release = threading.Event()
    arrived = threading.Event()

    def wait(handler: http.server.BaseHTTPRequestHandler) -> None:
        arrived.set()
        release.wait(60)
        status(204)(handler)

    remote.answer = wait
    uploader = threading.Thread(target=upload, args=(store,))
    uploader.start()
    assert arrived.wait(60)
    impatient = Store(store.path, wait_s=0.01)
    with impatient.writing() as connection:
        runs.add(connection, runs.Run("collect", Moment(1_700_000_200_000, 0, "boot", True), metric="n"))
    release.set()
    uploader.join(timeout=120)
    assert queue.pending_count(store.connection()) == 0


def test_switched_off_it_sends_nothing_and_is_content(tmp_path: Path, remote: Remote) -> None:
    store = box(tmp_path, remote.url, enabled=0)
    done = upload(store)
    assert (done.returncode, done.stderr) == (0, "")
    assert remote.requests == []


def test_a_2xx_whose_body_breaks_off_is_no_crash(tmp_path: Path, remote: Remote) -> None:
    """The status has come, so it is accepted; or the library says that it broke, and it comes again."""
    store = box(tmp_path, remote.url)
    remote.answer = cut_short
    done = upload(store)
    assert "Traceback" not in done.stderr
    assert (done.returncode, queue.pending_count(store.connection())) in ((0, 0), (75, 120))
