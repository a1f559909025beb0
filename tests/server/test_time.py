"""The clock against a real VictoriaMetrics, and samples from before the clock was set."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics import clock, skew
from belabox_metrics.clock import Moment
from belabox_metrics.remote.settings import Remote
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.upload import uploader

from .conftest import Server


@pytest.fixture
def store(tmp_path: Path, server: Server) -> Store:
    store = Store(str(tmp_path / "metrics.db"))
    remote: dict[str, str | int] = {"url": server.import_url, "enabled": 1}
    rows = [("remote", key, 0, value) for key, value in remote.items()]
    replace_settings(store.path, [("device", "id", 0, tmp_path.name), *rows])
    return store


def test_the_server_of_this_machine_has_the_same_time(store: Store) -> None:
    now = clock.now()
    assert skew.compare(store, now) == 0
    connection = store.connection()
    found = dict(connection.execute("SELECT metric_name, metric_value FROM metrics").fetchall())
    assert abs(found["time.skew_ms"]) <= found["time.skew_error_ms"]
    assert Remote(connection).clock_skew_url == ""


def test_a_sample_of_1970_arrives_at_its_time(store: Store, server: Server, tmp_path: Path) -> None:
    now = clock.now()
    for minutes_ago in (2, 1):
        then = Moment(5_000_000, now.boottime_ms - minutes_ago * 60_000, now.boot_id, False)
        with store.writing() as connection:
            samples = [Sample("early.value", minutes_ago)]
            runs.add(connection, runs.Run("collect", then, metric="early", samples=samples))
    assert uploader.upload(store, clock.now(), everything=True) == 0
    (series,) = server.exported(f'early_value{{device_id="{tmp_path.name}"}}')
    times = series["timestamps"]
    assert isinstance(times, list)
    assert times[1] - times[0] == 60_000
    # Two clocks are read one after the other each time.
    assert abs(times[1] - (now.wall_ms - 60_000)) < 1000
