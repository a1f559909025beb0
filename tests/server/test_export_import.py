"""What the box exports, a real VictoriaMetrics imports: every number, under the names that uploads have."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest
import requests

from belabox_metrics.clock import Moment
from belabox_metrics.export import command
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

from .conftest import Server

pytestmark = pytest.mark.server

DEVICE = "exporter"


@pytest.fixture
def exported(tmp_path: Path) -> bytes:
    """Two hours of a gauge, a counter and a text, the first of them rolled up."""
    store = Store(str(tmp_path / "metrics.db"))
    hour_ms = time.time_ns() // 1_000_000 // 3_600_000 * 3_600_000
    with store.writing() as connection:
        for minute in range(60):
            at = hour_ms - 3_600_000 + minute * 60_000
            samples = [
                Sample("cpu.temperature", 40.5 + minute),
                Sample("network.rx_bytes_total", minute * 1000, {"interface": "eth0"}),
                Sample("cpu.name", f"a{minute}"),
            ]
            runs.add(connection, runs.Run("collect", Moment(at, at, "b", True), metric="m", samples=samples))
        shape, job = connection.execute("SELECT shape, job FROM runs LIMIT 1").fetchone()
        for minute in range(60):
            at = hour_ms - 7_200_000 + minute * 60_000
            packed = f'[[1,5,12,4,4],[{minute * 10 - 600},5,4],"old"]'
            row = (at // 60_000 * 2**32 + shape, job, at, packed)
            connection.execute("INSERT INTO minutes VALUES (?, ?, 2, ?, ?)", row)
    replace_settings(store.path, [("device", "id", 0, DEVICE)])
    path = tmp_path / "out.jsonl.gz"
    assert command.main(["-o", str(path), "--database", store.path]) == 0
    return path.read_bytes()


def test_an_import_gives_all_numbers_back(server: Server, exported: bytes) -> None:
    assert b'"texts":' in gzip.decompress(exported)
    answer = requests.post(server.import_url, data=exported, headers={"Content-Encoding": "gzip"}, timeout=60)
    assert answer.status_code == 204, answer.text
    found = {
        line["metric"]["__name__"]: dict(zip(line["timestamps"], line["values"]))  # type: ignore[index, call-overload]
        for line in server.exported(f'{{device_id="{DEVICE}"}}')
    }
    assert sorted(found) == ["cpu_temperature_celsius", "network_rx_bytes_total"]
    gauge, counter = found["cpu_temperature_celsius"], found["network_rx_bytes_total"]
    assert [gauge[at] for at in sorted(gauge)] == [3] * 60 + [40.5 + minute for minute in range(60)]
    assert [counter[at] for at in sorted(counter)] == [*range(-600, 0, 10), *range(0, 60_000, 1000)]
