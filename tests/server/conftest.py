"""A real VictoriaMetrics on loopback, started for the test session and gone with it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
import requests


class Server:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.import_url = f"{self.url}/api/v1/import"

    def exported(self, match: str) -> list[dict[str, object]]:
        """All that is stored of the series that match: {"metric": labels, "values": [...], "timestamps": [...]}."""
        requests.get(f"{self.url}/internal/force_flush", timeout=60).raise_for_status()
        answer = requests.get(
            f"{self.url}/api/v1/export", params={"match[]": match, "start": "1", "end": "4000000000"}, timeout=60
        )
        answer.raise_for_status()
        return [json.loads(line) for line in answer.content.decode().split("\n") if line]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    program = shutil.which("victoria-metrics")
    if program is None:
        pytest.fail("victoria-metrics is missing: tests/run installs it")
    with socket.socket() as chooser:
        chooser.bind(("127.0.0.1", 0))
        port = chooser.getsockname()[1]
    data = tmp_path_factory.mktemp("victoria")
    log = (data / "log").open("w")
    process = subprocess.Popen(
        [program, f"-storageDataPath={data}/data", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=10y"],
        stdout=log,
        stderr=log,
    )
    try:
        server = Server(port)
        wait_for(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=120)
        log.close()


def wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"{server.url}/health", timeout=60).raise_for_status()
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    pytest.fail("victoria-metrics did not come up")
