"""A server that takes what it is sent and remembers it, with the key under which it came."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

# Labels as one text, Unix time in ms, value.
Sample = tuple[str, int, float]


class Server:
    """`url` to send to. `is_up`: else it says 503, and takes nothing. `now`: what time it tells, Unix time in s."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.is_up = True
        self.now = now
        self._taken: list[tuple[str, bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._say(204)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if server.is_up:
                    server._taken.append((self.headers["Idempotency-Key"], body))
                self._say(204 if server.is_up else 503)

            def _say(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def date_time_string(self, timestamp: float | None = None) -> str:
                return formatdate(server.now(), usegmt=True)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that was killed has left: that is what this is about."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/v1/import"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def forget(self) -> None:
        self._taken = []

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bodies(self) -> Iterator[list[Sample]]:
        """What came under each key."""
        for body in dict(self._taken).values():
            yield _samples(body)

    def arrived(self) -> Counter[Sample]:
        """Each sample, and how often it came under keys that differ: the same bytes under the same key are one."""
        return Counter(sample for samples in self.bodies() for sample in samples)


def _samples(body: bytes) -> list[Sample]:
    found = []
    for line in (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).splitlines():
        series = json.loads(line)
        name = json.dumps(series["metric"], sort_keys=True)
        found += [(name, stamp, value) for stamp, value in zip(series["timestamps"], series["values"])]
    return found
