"""One VictoriaMetrics behind one vmauth that knows each box by its token."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.ports import free_port

UP_S = 60
_TICKS = os.sysconf("SC_CLK_TCK")
# With what dies, all of it dies.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


class Usage(NamedTuple):
    """Of a process: CPU seconds since it began, memory it has now, MiB."""

    cpu_s: float
    rss_mib: float


class Server:
    """Keeps its files in `folder`. What it has stored outlasts stop() and start()."""

    def __init__(self, folder: Path, tokens: dict[str, str]) -> None:
        self._folder = folder
        self._store_port, self._auth_port = free_port(), free_port()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "users.yml").write_text("users:\n" + "".join(map(self._user, *zip(*tokens.items()))))

    @property
    def import_url(self) -> str:
        return f"http://127.0.0.1:{self._auth_port}/api/v1/import"

    def start(self) -> None:
        """Both; returns when they answer."""
        store = f"127.0.0.1:{self._store_port}"
        commands = (
            (
                "victoria-metrics",
                f"-storageDataPath={self._folder}/data",
                "-retentionPeriod=10y",
                f"-httpListenAddr={store}",
            ),
            ("vmauth", f"-auth.config={self._folder}/users.yml", f"-httpListenAddr=127.0.0.1:{self._auth_port}"),
        )
        for command in commands:
            with (self._folder / "printed").open("ab") as printed:
                self._running[command[0]] = subprocess.Popen(
                    [*_WITH_US, _program(command[0]), *command[1:]], stderr=printed
                )
        deadline = time.monotonic() + UP_S
        for port in (self._store_port, self._auth_port):
            while not _answers(port):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not come up: {(self._folder / 'printed').read_text()[-2000:]}")
                time.sleep(0.05)

    def stop(self) -> None:
        """As an administrator does it."""
        for process in reversed(self._running.values()):
            process.terminate()
        for process in self._running.values():
            process.wait(UP_S)
        self._running = {}

    def usage(self) -> dict[str, Usage]:
        """By program."""
        return {name: _usage(process.pid) for name, process in self._running.items()}

    def flush(self) -> None:
        """What was accepted can be asked for from now on."""
        self._get("/internal/force_flush")

    def count(self, box: str, at_ms: int, minutes: int) -> int:
        """Samples of a box, each copy, in so many minutes before."""
        query = f'sum(count_over_time({{device_id="{box}"}}[{minutes}m]))'
        answer = json.loads(self._get("/api/v1/query", query=query, time=str(at_ms / 1000), nocache="1"))
        result = answer["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def exported(self, box: str) -> list[dict[str, Any]]:
        """All that is stored of a box, each copy of it."""
        match = {"match[]": f'{{device_id="{box}"}}', "start": "1", "end": "4000000000"}
        return [json.loads(line) for line in self._get("/api/v1/export", **match).splitlines()]

    def series(self) -> int:
        """How many it has stored anything of."""
        return int(json.loads(self._get("/api/v1/status/tsdb"))["data"]["totalSeries"])

    def _user(self, box: str, token: str) -> str:
        """As configs/vmauth.example.yml has it."""
        return (
            f'- bearer_token: "{token}"\n  url_map:\n  - src_paths: ["/api/v1/import"]\n'
            f'    url_prefix: "http://127.0.0.1:{self._store_port}/?extra_label=device_id={box}"\n'
        )

    def _get(self, path: str, **query: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._store_port, timeout=120)
        try:
            connection.request("GET", f"{path}?{urlencode(query)}")
            answer = connection.getresponse()
            said = answer.read().decode()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}: {said[:500]}")
            return said
        finally:
            connection.close()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _usage(pid: int) -> Usage:
    """proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Usage((int(fields[11]) + int(fields[12])) / _TICKS, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is missing: tests/run installs victoria-metrics")
    return found
