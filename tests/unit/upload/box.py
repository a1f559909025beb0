"""A box with samples to send and a clock that the test moves, and a server that answers as it is told."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import link, queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.store.link import Link
from belabox_metrics.upload import uploader

ROOT = Path(__file__).parents[3]
START_MS = 1_700_000_000_000

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler], None]
# (series without its metric's device_id, timestamp, value)
Arrived = tuple[str, int, float]


class Remote:
    """An HTTP server on loopback that answers as it is told and remembers what it was sent and what it accepted."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answer: Answer = status(204)
        self.accepted: list[bytes] = []
        remote = self

        class Recorder(Handler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # noqa: N802 - the library's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                remote.requests.append((dict(self.headers), body))
                remote.answer(self)
                if getattr(self, "_headers_buffer", None):
                    self.end_headers()

            def date_time_string(self, timestamp: float | None = None) -> str:
                return formatdate(START_MS / 1000, usegmt=True)

            def send_response(self, code: int, message: str | None = None) -> None:
                if 200 <= code < 300:
                    remote.accepted.append(remote.requests[-1][1])
                super().send_response(code, message)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that has left is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Recorder)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/v1/import"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for _, body in self.requests for line in plain(body).splitlines()]

    def arrived(self) -> list[Arrived]:
        """Every sample of every body that was accepted, as often as it was."""
        return [sample for body in self.accepted for sample in samples(body)]


def plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def samples(body: bytes) -> list[Arrived]:
    found = []
    for line in plain(body).splitlines():
        series = json.loads(line)
        name = ",".join(str(value) for key, value in sorted(series["metric"].items()) if key != "device_id")
        found += [(name, stamp, value) for stamp, value in zip(series["timestamps"], series["values"])]
    return found


def status(code: int, body: str = "", **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        if body:
            handler.end_headers()
            handler.wfile.write(body.encode())

    return answer


class Box:
    """A store whose clock stands until `wait` moves it; uploads run in this process at that time."""

    def __init__(self, path: Path, url: str, **settings: int | str) -> None:
        self.store = Store(str(path / "metrics.db"))
        self.moment = Moment(START_MS, 3_600_000, "boot", True)
        self._url = url
        self.configure(**settings)

    def configure(self, **settings: int | str) -> None:
        """Keys of `remote`; of a section below it as `retry__enabled`."""
        rows: list[tuple[str, str, int, int | str | float]] = [("device", "id", 0, "box")]
        for key, value in {"url": self._url, "enabled": 1, "timeout_ms": 60_000, **settings}.items():
            section, _, name = key.rpartition("__")
            rows.append((f"remote.{section}" if section else "remote", name, 0, value))
        replace_settings(self.store.path, rows)

    def wait(self, seconds: float) -> None:
        ms = int(seconds * 1000)
        moment = self.moment
        self.moment = Moment(moment.wall_ms + ms, moment.boottime_ms + ms, moment.boot_id, True)

    def sample(self, priority: int, name: str = "n.value", count: int = 1, value: float = 1.0) -> None:
        """One run of `count` series."""
        values = [Sample(name, value, {"at": str(at)}) for at in range(count)]
        run = runs.Run("collect", self.moment, metric="n", samples=values, priority=priority)
        with self.store.writing() as connection:
            runs.add(connection, run)

    def upload(self, everything: bool = False) -> int:
        return uploader.upload(self.store, self.moment, everything=everything)

    def pending(self) -> int:
        return queue.pending_count(self.store.connection())

    def link(self) -> Link:
        return link.read(self.store.connection(), self.moment.boot_id)

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return self.store.connection().execute(query, values).fetchall()

    def live(self) -> None:
        with self.store.writing() as connection:
            connection.execute("INSERT INTO sessions (id, start_time, status) VALUES ('live', 0, 'active')")


def upload(store: Store, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The job as its unit starts it."""
    return subprocess.run(
        ["/usr/bin/python3", "-I", "-S", ROOT / "jobs/upload.py", *arguments],
        env={"BELABOX_METRICS_DATABASE": store.path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
