"""A server that takes what it is sent and remembers it, with the key under which it came."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

# Labels as one text, Unix time in ms, value.
Sample = tuple[str, int, float]


# How it may be down, GET and POST alike: no connection is had; one is, and is closed unanswered; it is answered that it
# is not available; what came is taken, and the answer cut, so that nobody knows.
REFUSES, HANGS_UP, UNAVAILABLE, CUTS = "refuses", "hangs up", "unavailable", "cuts"
WAYS = (REFUSES, HANGS_UP, UNAVAILABLE, CUTS)
# No whole header: none tells the time.
CUT_ANSWER = b"HTTP/1.1 204 No Content\r\nDat"
# To stop listening takes as long, seconds.
POLL_S = 0.02


class Server:
    """`url` to send to. `is_up`: else it is down in the way of `when_down`, one of WAYS, which is to be chosen before.
    `now`: what time it tells, Unix time in s."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.when_down = HANGS_UP
        self.now = now
        self._taken: list[tuple[str, bytes]] = []
        # Bound and never listening: the port is nobody else's while nobody listens.
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._port.getsockname()[1]}/api/v1/import"
        self._is_up = True
        self._listener: ThreadingHTTPServer | None = self._listen()

    @property
    def is_up(self) -> bool:
        return self._is_up

    @is_up.setter
    def is_up(self, is_up: bool) -> None:
        self._is_up = is_up
        if not is_up and self.when_down == REFUSES:
            self._stop()
        elif self._listener is None:
            self._listener = self._listen()

    def _listen(self) -> ThreadingHTTPServer:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, body: bytes | None) -> None:
                way = "" if server.is_up else server.when_down
                if body is not None and way in ("", CUTS):
                    if not _can_be_read(body):
                        self._say(400)
                        return
                    server._taken.append((self.headers["Idempotency-Key"], body))
                if way in (REFUSES, HANGS_UP, CUTS):
                    # Of one that refuses: a connection that was had before.
                    self.wfile.write(CUT_ANSWER if way == CUTS else b"")
                    self.close_connection = True
                else:
                    self._say(503 if way else 204)

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

        listener = Quiet(self._port.getsockname(), Handler)
        threading.Thread(target=listener.serve_forever, args=(POLL_S,), daemon=True).start()
        return listener

    def _stop(self) -> None:
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None

    def forget(self) -> None:
        self._taken = []

    def close(self) -> None:
        self._stop()
        self._port.close()

    def bodies(self) -> Iterator[list[Sample]]:
        """What came under each key."""
        for body in dict(self._taken).values():
            yield _samples(body)

    def arrived(self) -> Counter[Sample]:
        """Each sample, and how often it came under keys that differ: the same bytes under the same key are one."""
        return Counter(sample for samples in self.bodies() for sample in samples)


def _can_be_read(body: bytes) -> bool:
    """Whether VictoriaMetrics would say so: what is packed and not whole it refuses, lines that are none it drops."""
    try:
        return bool(gzip.decompress(body)) if body[:2] == b"\x1f\x8b" else True
    except (OSError, EOFError, zlib.error):
        return False


def _samples(body: bytes) -> list[Sample]:
    found = []
    for line in (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).splitlines():
        try:
            series = json.loads(line)
        except ValueError:
            continue
        name = json.dumps(series["metric"], sort_keys=True)
        found += [(name, stamp, value) for stamp, value in zip(series["timestamps"], series["values"])]
    return found
