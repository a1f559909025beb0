"""VictoriaMetrics in a machine's network, and before it the front of tests/link, which writes down what was accepted
when."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from .network import HOST, Network

PORT = 8427
URL = f"http://{HOST}:{PORT}/api/v1/import"
_STORE_PORT = 8428
_FRONT = Path(__file__).parents[2] / "link/front.py"
_UP_S = 60
# With what dies, all of it dies.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


class Server:
    """Keeps its files in `folder`. The machine reaches it at URL."""

    def __init__(self, folder: Path, network: Network) -> None:
        program = shutil.which("victoria-metrics")
        if program is None:
            raise RuntimeError("victoria-metrics is missing: tests/run installs it")
        folder.mkdir()
        self._network = network
        self._log = folder / "requests"
        self._log.touch()
        store = [program, f"-storageDataPath={folder}/data", "-retentionPeriod=10y", "-search.latencyOffset=1s"]
        store += ["-memory.allowedBytes=64MB", f"-httpListenAddr=127.0.0.1:{_STORE_PORT}"]
        # On each address: QEMU's machine comes by loopback, the other one by its Ethernet.
        front = ["/usr/bin/python3", "-I", str(_FRONT), "0.0.0.0", str(PORT), str(_STORE_PORT), str(self._log)]
        self._running = []
        for command in (store, front):
            with (folder / "printed").open("ab") as printed:
                self._running.append(subprocess.Popen([*_WITH_US, *network.inside(), *command], stderr=printed))
        deadline = time.monotonic() + _UP_S
        while self._get(PORT, "/health") is None:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server did not come up: {folder}/printed")
            time.sleep(0.1)

    def heard(self) -> int:
        """How much it has accepted so far: grows with each request."""
        return self._log.stat().st_size

    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    def exported(self) -> list[dict[str, Any]]:
        """All that is stored, each copy of it: {"metric": labels, "values": [...], "timestamps": [...]}."""
        assert self._get(_STORE_PORT, "/internal/force_flush") is not None
        found = self._get(_STORE_PORT, "/api/v1/export?match[]={__name__!=%22%22}&start=1&end=4000000000")
        assert found is not None
        return [json.loads(line) for line in found.splitlines()]

    def close(self) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            process.wait(_UP_S)

    def _get(self, port: int, path: str) -> bytes | None:
        """None: no answer, or not that."""
        command = [*self._network.inside(), "curl", "-sSfg", "--max-time", "60", f"http://127.0.0.1:{port}{path}"]
        done = subprocess.run(command, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None
