"""What the server has afterwards is what the box has stored: label by label, value by value."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.database import Store
from belabox_metrics.store.settings import replace_settings

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


# VictoriaMetrics keeps 15 significant digits or so of a float and integers up to 2^53.
VALUES = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(-1e15, 1e15, allow_nan=False).map(lambda value: round(value, 3)),
)
TAG_VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(VALUES, st.dictionaries(st.sampled_from(["zone", "a b", "device_id", "1st", "é"]), TAG_VALUES)),
        min_size=1,
        max_size=10,
    )
)
def test_hostile_tags_and_any_number_come_back(
    server: Server, tmp_path_factory: pytest.TempPathFactory, samples: list[tuple[float, dict[str, str]]]
) -> None:
    path = tmp_path_factory.mktemp("box")
    device = path.name
    store = box(path / "m.db", server.import_url, device)
    at = now_ms()
    add(store, at, [Sample(f"v{index}.value", value, tags) for index, (value, tags) in enumerate(samples)])
    done = upload(store)
    assert done.returncode == 0, done.stderr
    found = {}
    for line in server.exported(f'{{device_id="{device}"}}'):
        labels = dict(line["metric"])  # type: ignore[call-overload]
        found[labels.pop("__name__")] = (labels, line["values"], line["timestamps"])
    renamed = {"zone": "zone", "a b": "a_b", "device_id": "exported_device_id", "1st": "_1st", "é": "_"}
    for index, (value, tags) in enumerate(samples):
        labels, values, timestamps = found[f"v{index}_value"]
        assert labels == {"device_id": device, **{renamed[key]: text for key, text in tags.items()}}
        assert values == [pytest.approx(value, rel=1e-12)]
        assert timestamps == [at]
    store.close()
