"""The responder: how long the first answer takes, and the next ones."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path

from ..figures import Figure, spread
from ..options import Options
from ..processes import BARE, METRICS, Installed, cpu_ms, relay

ROUNDS = 20
REQUESTS = 3000
REQUEST = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def measure(options: Options) -> list[Figure]:
    cold, bare, warm = [], [], []
    with relay() as port:
        installed = Installed(options.folder("health"), port)
        for metric in METRICS:
            installed.run(installed.collect(metric))
        for _ in range(options.turns(ROUNDS)):
            started = time.perf_counter()
            cpu_ms(BARE, installed.environment)
            bare.append((time.perf_counter() - started) * 1000)
            listener, process, first = _started(installed)
            cold.append(first)
            warm += [_ask(listener) for _ in range(20)]
            memory = _peak_mib(process)
            _end(listener, process)
        listener, process, _ = _started(installed)
        before = _cpu_s(process)
        began = time.perf_counter()
        for _ in range(REQUESTS):
            _ask(listener)
        seconds = time.perf_counter() - began
        of_cpu = _cpu_s(process) - before
        _end(listener, process)
    floor = spread(bare)
    return [
        Figure(
            "health",
            "cold answer ÷ start of a bare interpreter",
            spread(cold).over(floor),
            "x",
            f"{spread(cold)} ms ÷ {floor} ms, from connecting to the last byte",
        ),
        Figure("health", "warm answer", spread(warm).median, "ms", str(spread(warm))),
        Figure(
            "health",
            "requests a second, one after the other",
            REQUESTS / seconds,
            "/s",
            f"a connection each; {REQUESTS / max(of_cpu, 0.01):.0f} a second of the responder's CPU",
        ),
        Figure("health", "responder, peak memory", memory, "MiB", "VmHWM"),
    ]


def _started(installed: Installed) -> tuple[socket.socket, subprocess.Popen[bytes], float]:
    """A request waits in the socket, then the responder starts, as under systemd: (socket, process, ms)."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    command = installed.job("health.py", "--idle-seconds", "60")
    script = f'exec 3<&{listener.fileno()}; export LISTEN_PID=$$; exec "$@"'
    started = time.perf_counter()
    with socket.create_connection(listener.getsockname()) as connection:
        connection.sendall(REQUEST)
        process = subprocess.Popen(
            ["sh", "-c", script, "sh", *command],
            env={**installed.environment, "LISTEN_FDS": "1"},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        _read(connection)
    return listener, process, (time.perf_counter() - started) * 1000


def _ask(listener: socket.socket) -> float:
    """ms"""
    started = time.perf_counter()
    with socket.create_connection(listener.getsockname()) as connection:
        connection.sendall(REQUEST)
        _read(connection)
    return (time.perf_counter() - started) * 1000


def _read(connection: socket.socket) -> None:
    said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 200"), said[:200]


def _end(listener: socket.socket, process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
    listener.close()


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib(process: subprocess.Popen[bytes]) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    return int(found[1]) / 1024
