"""The server by itself: what becomes of who waits for too long."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from belabox_metrics.health import http
from belabox_metrics.health.answer import Answer, text
from belabox_metrics.health.request import Request

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


def _asked(place: tuple[str, int], path: str) -> Reply:
    with socket.create_connection(place, timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        return Reply(read_all(connection))
