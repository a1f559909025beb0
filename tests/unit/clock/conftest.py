"""A server that tells the time as it is told, and a box that compares its clock with it."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.remote.access import Access
from belabox_metrics.remote.client import Client
from belabox_metrics.remote.settings import Remote
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

ROOT = Path(__file__).parents[3]


class Clock:
    """Read as clock.now() is. `takes_ms`: how long each answer takes, by both clocks; `jumps_ms`: how far the wall
    clock is set meanwhile. The last ones go on."""

    def __init__(self, wall_ms: int, takes_ms: tuple[int, ...] = (0,), jumps_ms: tuple[int, ...] = (0,)) -> None:
        self.wall_ms = wall_ms
        self.boottime_ms = 60_000
        self.synchronized = False
        self._takes = list(takes_ms)
        self._jumps = list(jumps_ms)
        self._reads = 0

    def __call__(self) -> Moment:
        self._reads += 1
        if self._reads % 2 == 0:  # after an answer
            takes, jumps = (each.pop(0) if len(each) > 1 else each[0] for each in (self._takes, self._jumps))
            self.wall_ms += takes + jumps
            self.boottime_ms += takes
        return Moment(self.wall_ms, self.boottime_ms, "boot-a", self.synchronized)


class Server:
    """Answers each GET with `status` and `headers`, without any header of its own, or with the time of this machine and
    `ahead_s`; `asked` are their paths, `sent` their headers."""

    def __init__(self) -> None:
        self.status = 200
        self.ahead_s: float | None = None
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.sent: list[dict[str, str]] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.asked.append(self.path)
                server.sent.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response_only(server.status)
                if server.ahead_s is not None:
                    server.says(time.time() + server.ahead_s)
                for name, value in {"Content-Length": "0", **server.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def says(self, unix_s: float) -> None:
        self.headers["Date"] = formatdate(unix_s, usegmt=True)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Box:
    def __init__(self, path: Path, server: Server) -> None:
        self.store = Store(str(path / "metrics.db"))
        self.configure({"url": f"{server.origin}/api/v1/import", "enabled": 1})

    def configure(self, remote: dict[str, str | int], monitoring: dict[str, str | int] | None = None) -> None:
        rows: list[tuple[str, str, int, str | int | float]] = [("device", "id", 0, "box-7")]
        rows += [("remote", key, 0, value) for key, value in remote.items()]
        rows += [("monitoring", key, 0, value) for key, value in (monitoring or {}).items()]
        replace_settings(self.store.path, rows)

    @property
    def remote(self) -> Remote:
        return Remote(self.store.connection())

    @property
    def client(self) -> Client:
        return Client(Access(self.remote), 5)

    def sql(self, query: str) -> list[tuple[object, ...]]:
        return self.store.connection().execute(query).fetchall()

    def job(self, name: str = "clock", *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"BELABOX_METRICS_DATABASE": self.store.path, "PATH": os.environ["PATH"]}
        command = ["/usr/bin/python3", "-IS", str(ROOT / f"jobs/{name}.py"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def box(tmp_path: Path, server: Server) -> Iterator[Box]:
    box = Box(tmp_path, server)
    yield box
    box.store.close()


def nowhere() -> str:
    """An address where nobody answers."""
    closed = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    closed.server_close()
    return f"http://127.0.0.1:{closed.server_port}"
