"""What the server has afterwards is what the box has stored. test_formats.py has the hostile names and numbers."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

from .conftest import Server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
PYTHON = "/usr/bin/python3"


def box(path: Path, url: str, device: str, **more: int) -> Store:
    store = Store(str(path))
    replace_settings(
        store.path,
        [
            ("device", "id", 0, device),
            ("remote", "url", 0, url),
            ("remote", "enabled", 0, 1),
            *[("remote", key, 0, value) for key, value in more.items()],
        ],
    )
    return store


def add(store: Store, wall_ms: int, samples: list[Sample], priority: int = 2, metric: str = "some.metric") -> None:
    moment = Moment(wall_ms, wall_ms % 10**9, "boot", True)
    with store.writing() as connection:
        runs.add(connection, runs.Run("collect", moment, metric=metric, samples=samples, priority=priority))


def upload(store: Store) -> subprocess.CompletedProcess[str]:
    """The real job, by the interpreter that the unit names."""
    return subprocess.run(
        [PYTHON, "-I", "-S", ROOT / "jobs/upload.py"],
        env={"BELABOX_METRICS_DATABASE": store.path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_collection_arrives_under_its_promql_names(server: Server, tmp_path: Path) -> None:
    store = box(tmp_path / "m.db", server.import_url, "names-box")
    at = now_ms()
    add(
        store,
        at,
        [
            Sample("cpu.temperature", 52.3),
            Sample("thermal.zone_temp", 47.153, {"zone": "soc-thermal"}),
            Sample("cpu.usage_percent", 45.2, {"core": "all"}),
            Sample("network.rx_bytes_total", 2**53, {"interface": "eth0"}),
        ],
    )
    done = upload(store)
    assert done.returncode == 0, done.stderr
    found = {
        tuple(sorted(line["metric"].items())): (line["values"], line["timestamps"])  # type: ignore[attr-defined]
        for line in server.exported('{device_id="names-box"}')
    }
    assert found == {
        (("__name__", "cpu_temperature_celsius"), ("device_id", "names-box")): ([52.3], [at]),
        (("__name__", "thermal_zone_temp_celsius"), ("device_id", "names-box"), ("zone", "soc-thermal")): (
            [47.153],
            [at],
        ),
        (("__name__", "cpu_usage_percent"), ("core", "all"), ("device_id", "names-box")): ([45.2], [at]),
        (("__name__", "network_rx_bytes_total"), ("device_id", "names-box"), ("interface", "eth0")): ([2**53], [at]),
    }
    assert queue.pending_count(store.connection()) == 0
    store.close()


def test_hundreds_of_runs_arrive_once_each_and_texts_stay(server: Server, tmp_path: Path) -> None:
    store = box(tmp_path / "m.db", server.import_url, "many-box", batch_size=400)
    start = now_ms() - 3_600_000
    for number in range(150):
        samples = [Sample("a.value", number), Sample("b.value", number / 8), Sample("c.text", "words")]
        add(store, start + 1000 * number, samples, priority=number % 4)
    while queue.pending_count(store.connection()):
        before = queue.pending_count(store.connection())
        done = upload(store)
        assert done.returncode == 0, done.stderr
        assert queue.pending_count(store.connection()) < before
    lines = server.exported('{device_id="many-box"}')
    found: dict[str, dict[int, float]] = {}
    for line in lines:
        metric, values, timestamps = line["metric"], line["values"], line["timestamps"]
        assert isinstance(metric, dict)
        assert isinstance(values, list)
        assert isinstance(timestamps, list)
        assert len(set(timestamps)) == len(timestamps)
        found.setdefault(metric["__name__"], {}).update(zip(timestamps, values))
    assert found == {
        "a_value": {start + 1000 * number: number for number in range(150)},
        "b_value": {start + 1000 * number: number / 8 for number in range(150)},
    }
    assert store.connection().execute("SELECT sum(metrics_count) FROM upload_checkpoints").fetchone() == (300,)
    store.close()
