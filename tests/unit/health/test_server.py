"""The server by itself: what becomes of who waits for too long."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from belabox_metrics.health import http, places
from belabox_metrics.health.answer import Answer, text
from belabox_metrics.health.request import Request
from belabox_metrics.health.responder import LONG, takes_long

from .conftest import Reply, read_all


class Maker:
    """Makes what it is asked for once it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.made: list[str] = []

    def make(self, request: Request) -> Answer:
        assert self.may.wait(30)
        self.made.append(request.path)
        return text(200, "made")


@pytest.fixture
def maker() -> Iterator[Maker]:
    found = Maker()
    yield found
    found.may.set()


def test_who_waits_for_too_long_is_told_so_and_may_ask_again(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAKING_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = http.Server([listener], lambda _: None, maker.make)
        serving = threading.Thread(target=server.serve, args=(0.5,))
        serving.start()
        try:
            place = listener.getsockname()
            late = _asked(place, "/report/long")
            assert (late.status, late.json["error"]) == (503, "not made in 0.2 s: ask again")
            monkeypatch.setattr(http, "MAKING_S", 30)
            maker.may.set()
            assert (_asked(place, "/other").status, maker.made) == (200, ["/report/long", "/other"])
        finally:
            maker.may.set()
            serving.join(30)
    assert not serving.is_alive()


def test_what_takes_long_holds_up_nothing_else_and_a_crowd_is_sent_away(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LONG_WAITING", 1)
    begun = threading.Event()

    def make(request: Request) -> Answer:
        if not request.path.startswith("/report/"):
            return text(200, "quick")
        begun.set()
        return maker.make(request)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = http.Server([listener], lambda _: None, make, takes_long)
        serving = threading.Thread(target=server.serve, args=(0.5,))
        serving.start()
        place = listener.getsockname()
        waiting = []
        try:
            for name in ("one", "two"):
                waiting.append(socket.create_connection(place, timeout=30))
                waiting[-1].sendall(f"GET /report/{name} HTTP/1.1\r\n\r\n".encode())
                # The first is being made before the second comes; that comes before what is asked next.
                assert begun.wait(30)
                assert _asked(place, "/health").body == b"quick"
            late = _asked(place, "/report/three")
            assert (late.status, late.headers["retry-after"]) == (503, "20")
            assert late.json == {"error": "others wait for such a page: ask again"}
            maker.may.set()
            assert [Reply(read_all(connection)).status for connection in waiting] == [200, 200]
            assert maker.made == ["/report/one", "/report/two"]
        finally:
            maker.may.set()
            serving.join(30)
            for connection in waiting:
                connection.close()
    assert not serving.is_alive()


@pytest.mark.parametrize(("slowest", "is_whole"), [(16 * 1024, True), (10**9, False)])
def test_who_reads_slowly_gets_all_of_it_but_does_not_take_for_ever(
    monkeypatch: pytest.MonkeyPatch, slowest: int, is_whole: bool
) -> None:
    monkeypatch.setattr(http, "DEADLINE_S", 0.3)
    monkeypatch.setattr(http, "SLOWEST", slowest)
    whole = text(200, "x" * 1_000_000)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as reader:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        reader.settimeout(30)
        server = http.Server([listener], lambda _: whole, lambda _: whole)
        serving = threading.Thread(target=server.serve, args=(0.1,))
        serving.start()
        reader.connect(listener.getsockname())
        reader.sendall(b"GET / HTTP/1.1\r\n\r\n")
        got, began = 0, time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            while piece := reader.recv(20_000):
                got += len(piece)
                # Half as fast as would be fast enough.
                time.sleep(max(0.0, began + 0.6 * got / len(whole.body) - time.monotonic()))
        serving.join(30)
    assert (got > len(whole.body)) is is_whole


def test_all_that_is_made_anew_for_each_request_takes_long() -> None:
    assert list(places.BELOW) == [LONG]


def _asked(place: tuple[str, int], path: str) -> Reply:
    with socket.create_connection(place, timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        return Reply(read_all(connection))
