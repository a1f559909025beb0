"""A box whose clock the test holds, with a real database; and the real responder as a process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.errors import StoreProblem
from belabox_metrics.health import facts, judge
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

DOOR = Path(__file__).parents[3] / "jobs" / "health.py"
HOUR = 3_600_000
# For what is to come by itself: on a busy machine it takes its time.
PATIENCE_S = 60

Rows = dict[tuple[str, str], Union[str, int, float]]


def settings(*, intervals: dict[str, int], more: Rows | None = None) -> Rows:
    """What apply would store: each metric of `intervals` (ms) scheduled, uploads on."""
    rows: Rows = {("device", "id"): "box-1", ("remote", "enabled"): 1, ("remote", "url"): "http://server:8428/import"}
    for name, interval_ms in intervals.items():
        rows[f"metrics/{name}", "interval_ms"] = interval_ms
        rows[f"metrics/{name}", "scheduled"] = 1
        rows[f"metrics/{name}", "reason"] = ""
    return {**rows, **(more or {})}


class Box:
    """Runs are written at the time the test says it is: an hour after boot, for a start."""

    def __init__(self, path: str) -> None:
        self.store = Store(path)
        self.moment = Moment(1_700_000_000_000, HOUR, "boot-a", True)

    def configure(self, rows: Rows) -> None:
        replace_settings(self.store.path, [(section, key, 0, value) for (section, key), value in rows.items()])

    def run(self, job: str, metric: str = "", samples: int = 0, outcome: int = runs.DONE, error: str = "") -> None:
        values = [Sample("n", number, {"i": str(number)}) for number in range(samples)]
        with self.store.writing() as connection:
            runs.add(
                connection, runs.Run(job, self.moment, metric=metric, samples=values, outcome=outcome, error=error)
            )

    def sent(self, samples: int) -> None:
        with self.store.writing() as connection:
            queue.advance(connection, 2, queue.frontier(connection))
            queue.count(connection, 2, sent=samples)

    def step(self, seconds: float, clock_jumps_by: float = 0) -> None:
        """Time goes on; the wall clock is set besides."""
        ms = int(seconds * 1000)
        wall_ms = self.moment.wall_ms + ms + int(clock_jumps_by * 1000)
        self.moment = Moment(wall_ms, self.moment.boottime_ms + ms, self.moment.boot_id, self.moment.synchronized)

    def reboot(self, up_seconds: float) -> None:
        """Another boot, `up_seconds` old."""
        self.moment = Moment(self.moment.wall_ms + 60_000, int(up_seconds * 1000), "boot-b", False)

    def report(self) -> dict[str, Any]:
        try:
            found = facts.read(self.store)
        except StoreProblem as problem:
            return judge.report_without_database(problem, (0, 0), self.moment)
        return judge.report(found, self.moment)

    def component(self, name: str) -> dict[str, Any]:
        found = self.report()["components"][name]
        assert isinstance(found, dict)
        return found


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path / "metrics.db"))
    yield box
    box.store.close()


class Reply:
    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Responding:
    """The process behind a listening socket that the test keeps, as systemd does."""

    def __init__(self, listener: socket.socket, process: subprocess.Popen[str]) -> None:
        self.listener = listener
        self.process = process

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.listener.getsockname()[1]), timeout=PATIENCE_S)

    def send(self, data: bytes) -> bytes:
        """All that comes back for these bytes. An answer that a reset took away is an error."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def holds(self) -> int:
        """How many connections the process has. What it has closed the kernel may still be sending, and what it has not
        taken waits for it: these have no inode (proc(5))."""
        port = self.listener.getsockname()[1]
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        found = [line.split() for line in lines]
        listening = "0A"
        return sum(int(of[1].rpartition(":")[2], 16) == port and of[3] != listening and of[9] != "0" for of in found)

    def get(self, path: str, method: str = "GET") -> Reply:
        return Reply(self.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()))


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


class Starter:
    """Starts responders: start(database, *options)."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def listener(self, host: str = "127.0.0.1") -> socket.socket:
        listener = self._stack.enter_context(socket.socket())
        listener.bind((host, 0))
        listener.listen(1024)
        return listener

    def start(self, database: Path, *options: str, listener: socket.socket | None = None) -> Responding:
        listener = listener or self.listener()
        process = subprocess.Popen(
            as_systemd(command(database, *options)),
            env={**os.environ, "LISTEN_FDS": "1"},
            stdin=listener.fileno(),
            stderr=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(_end, process)
        return Responding(listener, process)


def as_systemd(argv: list[str]) -> list[str]:
    """To be started with the socket as standard input: descriptor 3 is where systemd puts it, and LISTEN_PID says who
    it is for, which the shell knows of itself, and exec keeps."""
    return ["sh", "-c", 'exec 3<&0 </dev/null; export LISTEN_PID=$$; exec "$@"', "sh", *argv]


def command(database: Path, *options: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(DOOR), "--database", str(database), *options]


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def starter() -> Iterator[Starter]:
    with contextlib.ExitStack() as stack:
        yield Starter(stack)
