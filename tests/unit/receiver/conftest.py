"""The command as a person starts it, asked over real sockets."""

from __future__ import annotations

import http.client
import json
import os
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

ROOT = Path(__file__).parents[3]
# For what is certain to come; a machine with other things to do may take long.
PATIENCE_S = 60
DOCUMENT = "/api/v1/metrics"
IMPORT = "/api/v1/import"


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def complaints(self) -> list[str]:
        return [f"{error['where']}: {error['what']}" for error in self.json["errors"]]


class Receiver:
    """A running receiver; with `--json` each line is read as what it is."""

    def __init__(self, *arguments: str) -> None:
        self.as_json = "--json" in arguments
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-I", ROOT / "jobs/cli.py", "receiver", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8", "TZ": "UTC"},
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        first = self.line()
        self.url = json.loads(first)["url"] if self.as_json else first.split()[2].rstrip(",")
        self.port = int(self.url.rpartition(":")[2])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.decode().rstrip("\n"))

    def line(self) -> str:
        return self._lines.get(timeout=PATIENCE_S)

    def told(self) -> Any:
        """The next line of --json."""
        return json.loads(self.line())

    def silent(self) -> bool:
        return self._lines.empty()

    def post(self, path: str, data: bytes | str, **headers: str) -> Reply:
        return self.ask("POST", path, data, **headers)

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, data: bytes | str | None = None, **headers: str) -> Reply:
        """`headers` with _ for -. Content-Type is right where none is given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        sent = {"Content-Type": "application/json"} if method == "POST" else {}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        try:
            connection.request(method, path, data.encode() if isinstance(data, str) else data, sent)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def raw(self, data: bytes, end: bool = False) -> bytes:
        """All that is answered to `data` until the connection is closed; `end`: tell that nothing more is sent."""
        with self.connected() as connection:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            found = b""
            while piece := connection.recv(65536):
                found += piece
            return found

    def end(self, number: int | None = None) -> tuple[int, list[str], str]:
        """Exit code, the lines not read yet, standard error; after the signal `number`, if any."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE_S)
        self._reading.join(PATIENCE_S)
        assert self.process.stderr is not None
        rest = []
        while not self._lines.empty():
            rest.append(self._lines.get())
        return code, rest, self.process.stderr.read().decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=PATIENCE_S)
        self._reading.join(PATIENCE_S)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


Start = Callable[..., Receiver]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts receivers with the arguments of the command line; all are gone after the test."""
    running: list[Receiver] = []

    def started(*arguments: str) -> Receiver:
        running.append(Receiver(*arguments))
        return running[-1]

    yield started
    for receiver in running:
        receiver.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    """One for tests that leave nothing behind which others would see; nobody reads what it prints."""
    receiver = Receiver("--json")
    yield receiver
    assert receiver.process.poll() is None, "it should have lived through all that"
    receiver.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def line(**changes: Any) -> str:
    """A right line of an import, but for `changes`; None leaves a key out."""
    whole = {
        "metric": {"__name__": "cpu_usage_percent", "device_id": "belabox-001", "core": "0"},
        "values": [45.2, 46],
        "timestamps": [now_ms() - 1000, now_ms()],
        **changes,
    }
    return json.dumps({key: value for key, value in whole.items() if value is not None}) + "\n"


def document(entry: dict[str, Any] | None = None, **changes: Any) -> str:
    """A right document with one sample, but for `changes` and what `entry` changes in the sample."""
    sample = {
        "name": "cpu.usage",
        "value": 45.2,
        "tags": {"core": "0"},
        "timestamp": "2025-10-11T14:30:00.123Z",
        **(entry or {}),
    }
    whole = {
        "session_id": "550e8400-e29b-41d4-a716-446655440000",
        "device_id": "belabox-001",
        "timestamp": "2025-10-11T14:30:00.123Z",
        "metrics": [{key: value for key, value in sample.items() if value is not None}],
        **changes,
    }
    return json.dumps({key: value for key, value in whole.items() if value is not None})
