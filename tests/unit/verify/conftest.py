"""A server whose every byte a test chooses, and a box that has sent it something."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.upload.formats.victoriametrics import Lines
from belabox_metrics.verify import command

Answer = Callable[[socket.socket], None]


class Server:
    """`answers` are given in turn, one to each request, the last one for ever; `requests` are these."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.answers: list[Answer] = []
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api/v1/import"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.stopped.set()
        # Else the thread that waits in accept() stays there, and may take what comes for the next one.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                threading.Thread(target=self._speak, args=(connection,), daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            head = b""
            while piece := connection.recv(65536):
                head += piece
                if head.endswith(b"\r\n\r\n"):
                    self.requests.append(head)
                    self.answers[min(len(self.requests), len(self.answers)) - 1](connection)
                    head = b""


class Box:
    """Two runs of two numbers each, in two hours, of which the queue says that they are sent."""

    def __init__(self, path: Path, url: str) -> None:
        self.store = Store(str(path / "metrics.db"))
        self.url = url
        self.configure()
        hour_ms = time.time_ns() // 1_000_000 // 3_600_000 * 3_600_000
        for at in (hour_ms - 7_200_000, hour_ms - 3_600_000):
            samples = [Sample("a.value", 1.5), Sample("b.value", 7, {"core": "all"})]
            with self.store.writing() as connection:
                runs.add(connection, runs.Run("collect", Moment(at, at, "b", True), metric="m", samples=samples))
                queue.advance(connection, 2, at)
                queue.count(connection, 2, sent=2)

    def configure(self, **settings: int | str) -> None:
        """Keys of `remote`; of a section below it as `auth__type`."""
        rows: list[tuple[str, str, int, int | str | float]] = [("device", "id", 0, "box")]
        for key, value in {"url": self.url, "enabled": 1, "timeout_ms": 60_000, **settings}.items():
            section, _, name = key.rpartition("__")
            rows.append((f"remote.{section}" if section else "remote", name, 0, value))
        replace_settings(self.store.path, rows)

    def exported(self) -> list[bytes]:
        """The bytes that a server with all of it gives for each hour."""
        connection = self.store.connection()
        found = queue.waiting(connection, 2, 0, queue.END, 100)
        shapes = {run.shape: queue.series_of(connection, run.shape) for run in found}
        return [Lines("box", shapes, False).encode([run]) for run in found]

    def verify(self, *arguments: str) -> int:
        return command.main(["--database", self.store.path, *arguments])

    def backlog(self) -> int:
        return int(self.store.connection().execute("SELECT count(*) FROM backlog").fetchone()[0])


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def box(tmp_path: Path, server: Server) -> Iterator[Box]:
    box = Box(tmp_path, server.url)
    yield box
    box.store.close()


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def chunked(body: bytes, *lines: str, end: bytes = b"0\r\n\r\n") -> bytes:
    start = head("Transfer-Encoding: chunked", *lines)
    return start + (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + end


def sized(body: bytes, *lines: str, status: str = "200 OK", length: int | None = None) -> bytes:
    return head(f"Content-Length: {len(body) if length is None else length}", *lines, status=status) + body


def says(data: bytes, leaves: bool = False) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(data)
        if leaves:
            connection.shutdown(socket.SHUT_RDWR)

    return answer
