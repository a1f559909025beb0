"""A real VictoriaMetrics on loopback for as long as a block lasts."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port


def get(url: str) -> str:
    place, _, path = url.partition("://")[2].partition("/")
    connection = http.client.HTTPConnection(place, timeout=60)
    try:
        connection.request("GET", f"/{path}")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@contextmanager
def victoria(folder: Path) -> Iterator[str]:
    """Its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["victoria-metrics", f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{port}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "-retentionPeriod=10y"], stdout=log, stderr=log)
        try:
            _wait(process, url)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            get(f"{url}/health")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("victoria-metrics did not come up")
