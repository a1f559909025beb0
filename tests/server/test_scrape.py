"""`/metrics` of a real responder, scraped by a real Prometheus and a real vmagent, beside what the uploader sends."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import yaml
from tests.ports import free_port

from belabox_metrics import clock
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.upload import uploader

from .conftest import Server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
DEVICE = "scraped-box"
HOSTILE = 'E3372 "x" \\n\n\t\x01 <script>alert(1)</script> ü😀'
SAMPLES = [
    Sample("cpu.temperature", 47.153),
    Sample("thermal.zone_temp", 46.23, {"zone": "soc-thermal"}),
    Sample("disk.write_bytes_total", 123456789012, {"device": "nvme0n1"}),
    Sample("modem.info", 1, {"model": HOSTILE, "modem": "a1b2", "device_id": "mine", "job": "its own"}),
    Sample("collector.collection_duration_seconds", 0.025, {"quantile": "0.95"}),
    Sample("room.co2", -1.5e-7, {"a b": "c"}),
    Sample("hdmi.mode", "1920x1080p60"),
]
# What only a scrape adds, and renames when a series has it of its own.
TARGET = {"instance", "job"}

Labels = frozenset[tuple[str, str]]


class Box(NamedTuple):
    store: Store
    address: str


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: tests/run installs it")
    return found


@contextlib.contextmanager
def running(log: Path, *argv: str | Path) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen([str(word) for word in argv], stdout=output, stderr=output)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=120)


def until(found: Callable[[], Any], log: Path) -> Any:
    """What `found` gives once it gives something; a server is given a minute to come up."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if answer := found():
                return answer
        time.sleep(0.1)
    pytest.fail(f"nothing came: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def box(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box that has just collected, and sent that."""
    folder = tmp_path_factory.mktemp("box")
    store = Store(str(folder / "metrics.db"))
    rows: dict[tuple[str, str], str | int] = {
        ("device", "id"): DEVICE,
        ("remote", "url"): server.import_url,
        ("remote", "enabled"): 1,
        ("metrics/all.of.it", "interval_ms"): 3_600_000,
        ("metrics/all.of.it", "scheduled"): 1,
    }
    replace_settings(store.path, [(section, key, 0, value) for (section, key), value in rows.items()])
    now = clock.now()
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", now, metric="all.of.it", samples=SAMPLES))
    assert uploader.upload(store, now, everything=True) == 0
    address = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [sys.executable, "-I", "-S", ROOT / "jobs/health.py", "--database", store.path]
    with running(folder / "log", *command, "--listen", address, "--idle-seconds", "0"):
        until(lambda: requests.get(f"http://{address}/health/live", timeout=60).ok, folder / "log")
        yield Box(store, address)
    store.close()


def scrape_config(folder: Path, box: Box) -> Path:
    said = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "belabox", "static_configs": [{"targets": [box.address]}]}],
    }
    path = folder / "scrape.yml"
    path.write_text(yaml.safe_dump(said))
    return path


def sent(server: Server) -> dict[Labels, float]:
    """What the uploader stored."""
    lines = [
        (line["metric"], line["values"])
        for line in server.exported(f'{{device_id="{DEVICE}"}}')
        if isinstance(line["metric"], dict) and "instance" not in line["metric"]
    ]
    return {frozenset(labels.items()): values[-1] for labels, values in lines if isinstance(values, list)}


def without_target(labels: dict[str, str]) -> Labels:
    """As the box gave them: what was renamed has its name back."""
    own = {name: value for name, value in labels.items() if name not in TARGET}
    return frozenset(
        (name.removeprefix("exported_") if name == "exported_job" else name, value) for name, value in own.items()
    )


def test_prometheus_has_what_the_uploader_sent(server: Server, box: Box, tmp_path: Path) -> None:
    port = free_port()
    storage, listen = f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"
    config = f"--config.file={scrape_config(tmp_path, box)}"
    url = f"http://127.0.0.1:{port}/api/v1"
    with running(tmp_path / "log", tool("prometheus"), config, storage, listen):

        def scraped() -> list[dict[str, Any]]:
            query = {"query": f'{{device_id="{DEVICE}"}}'}
            return requests.get(f"{url}/query", params=query, timeout=60).json()["data"]["result"]  # type: ignore[no-any-return]

        found = {without_target(line["metric"]): float(line["value"][1]) for line in until(scraped, tmp_path / "log")}
        expected = sent(server)
        assert len(expected) == len(SAMPLES) - 1
        assert {labels: found.get(labels) for labels in expected} == expected
        up = requests.get(f"{url}/query", params={"query": "up"}, timeout=60).json()["data"]["result"]
        assert [line["value"][1] for line in up] == ["1"]
        told = requests.get(f"{url}/metadata", timeout=60).json()["data"]
        assert told["disk_write_bytes_total"][0] == {"type": "counter", "help": "Bytes written", "unit": ""}
        assert told["collector_collection_duration_seconds"][0]["type"] == "summary"
        assert told["cpu_temperature_celsius"][0]["type"] == "gauge"


def test_vmagent_hands_on_what_the_uploader_sent(server: Server, box: Box, tmp_path: Path) -> None:
    to, listen = f"-remoteWrite.url={server.url}/api/v1/write", f"-httpListenAddr=127.0.0.1:{free_port()}"
    config, queue = f"-promscrape.config={scrape_config(tmp_path, box)}", f"-remoteWrite.tmpDataPath={tmp_path}/queue"
    quick = "-remoteWrite.flushInterval=100ms"
    expected = sent(server)
    with running(tmp_path / "log", tool("vmagent"), config, queue, to, listen, quick):
        lines = until(lambda: server.exported(f'{{device_id="{DEVICE}",instance!=""}}'), tmp_path / "log")
    found = {without_target(line["metric"]): line["values"][-1] for line in lines}
    assert {labels: found.get(labels) for labels in expected} == expected
    names = {dict(labels)["__name__"] for labels in found}
    assert {"belabox_build_info", "belabox_status", "belabox_samples_pending"} <= names
    stored = [samples for name, samples in _jobs(box.store) if name == "collect"]
    total = [value for labels, value in found.items() if ("__name__", "belabox_samples_stored_total") in labels]
    assert sum(total) >= stored[0] == len(SAMPLES) - 1


def _jobs(store: Store) -> list[tuple[str, int]]:
    return store.connection().execute("SELECT job, samples_total FROM jobs").fetchall()


def test_the_page_is_text_that_nothing_may_keep(box: Box) -> None:
    answer = requests.get(f"http://{box.address}/metrics", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert f'device_id="{DEVICE}"' in answer.text
    assert json.loads(requests.get(f"http://{box.address}/health", timeout=60).text)["status"]
