"""VictoriaMetrics on this host, and before it the front of tests/link, which writes down what was accepted when."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

_FRONT = Path(__file__).parents[2] / "link/front.py"
_UP_S = 60
# With what dies, all of it dies.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


class Server:
    """Keeps its files in `folder`. `port`: of the front, on loopback."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("victoria-metrics")
        if program is None:
            raise RuntimeError("victoria-metrics is missing: tests/run installs it")
        folder.mkdir()
        self._log = folder / "requests"
        self._log.touch()
        self.port, self._store = _free_ports()
        store = [program, f"-storageDataPath={folder}/data", "-retentionPeriod=10y", "-search.latencyOffset=1s"]
        store += ["-memory.allowedBytes=64MB", f"-httpListenAddr=127.0.0.1:{self._store}"]
        front = ["/usr/bin/python3", "-I", str(_FRONT), "127.0.0.1", str(self.port), str(self._store), str(self._log)]
        self._running = []
        for command in (store, front):
            with (folder / "printed").open("ab") as printed:
                self._running.append(subprocess.Popen([*_WITH_US, *command], stderr=printed))
        deadline = time.monotonic() + _UP_S
        while True:
            try:
                self._get(self.port, "/health")
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not come up: {folder}/printed") from None
                time.sleep(0.1)

    def heard(self) -> int:
        """How much it has accepted so far: grows with each request."""
        return self._log.stat().st_size

    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    def exported(self) -> list[dict[str, Any]]:
        """All that is stored, each copy of it: {"metric": labels, "values": [...], "timestamps": [...]}."""
        self._get(self._store, "/internal/force_flush")
        found = self._get(self._store, "/api/v1/export?match[]={__name__!=%22%22}&start=1&end=4000000000")
        return [json.loads(line) for line in found.splitlines()]

    def close(self) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            process.wait(_UP_S)

    def _get(self, port: int, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            content: bytes = answer.read()
        return content


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
