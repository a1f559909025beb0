"""What the box connects to: hands each request to vmauth, and writes down when which came and what became of it.

front.py ADDRESS PORT BACKEND-PORT LOG

A line of LOG is a request whose answer is known: `peer`, the port it comes from; `began` when its connection was taken
and `at` when the answer came (Unix seconds), `status`, `key`, `encoding`, `body` (base64), and `cut` when the box was
not given the answer. SIGUSR1: do that to the next one that is accepted.
"""

from __future__ import annotations

import base64
import http.client
import json
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSED_ON = ("Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key")
# What vmauth 1.79 says to a token that it does not know, with a 400; later ones, and all others, say 401.
UNKNOWN_TOKEN = b"cannot find the provided auth token"
# Of an answer, what is the connection's own.
OWN = ("connection", "content-length", "transfer-encoding")


class Front(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], backend: int, log: str) -> None:
        super().__init__(address, Handler)
        self.backend = backend
        self.log = open(log, "a", encoding="utf-8")  # noqa: SIM115 - as long as the process
        self.lock = threading.Lock()
        self.to_cut = 0

    def cut_next(self, *_: object) -> None:
        # Without the lock: the signal may have interrupted who holds it.
        self.to_cut = 1

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that are killed, and links that fail, are what this is about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front
    # A client that was cut off in the middle of a request is never heard of again.
    timeout = 120

    def setup(self) -> None:
        super().setup()
        self.began = time.time()

    def do_GET(self) -> None:
        self.pass_on(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        self.pass_on(body)

    def pass_on(self, body: bytes) -> None:
        front = self.server
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        backend = http.client.HTTPConnection("127.0.0.1", front.backend, timeout=30)
        try:
            backend.request(self.command, self.path, body or None, headers)
            answer = backend.getresponse()
            content = answer.read()
        except OSError:
            self.send_error(502)
            return
        finally:
            backend.close()
        status = 401 if answer.status == 400 and UNKNOWN_TOKEN in content else answer.status
        cut = False
        if body:
            with front.lock:
                cut = bool(front.to_cut) and status < 300
                front.to_cut -= cut
                entry = {
                    "peer": self.client_address[1],
                    "began": self.began,
                    "at": time.time(),
                    "status": status,
                    "key": self.headers.get("Idempotency-Key", ""),
                    "encoding": self.headers.get("Content-Encoding", ""),
                    "cut": cut,
                    "body": base64.b64encode(body).decode(),
                }
                print(json.dumps(entry), file=front.log, flush=True)
        if cut:
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in answer.getheaders():
            if name.lower() not in OWN:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: LOG has it."""


if __name__ == "__main__":
    address, port, backend_port, log_path = sys.argv[1:]
    listening = Front((address, int(port)), int(backend_port), log_path)
    signal.signal(signal.SIGUSR1, listening.cut_next)
    listening.serve_forever()
