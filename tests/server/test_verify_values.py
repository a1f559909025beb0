"""What a real server makes of a number, verify takes for the same; what it does not, for another. And right times."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import boots, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.store.queue import PendingRun
from belabox_metrics.upload import uploader
from belabox_metrics.upload.formats.victoriametrics import Lines
from belabox_metrics.verify import command
from belabox_metrics.verify.comparison import is_same

from .conftest import Server

pytestmark = pytest.mark.server

WHOLE = st.integers(-(2**53), 2**53)
NUMBERS = st.one_of(
    WHOLE,
    st.integers(-1000, 1000),
    st.floats(-1e9, 1e9).map(lambda value: round(value, 3)),
    st.floats(allow_nan=False, allow_infinity=False),
)


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(series=st.lists(st.lists(NUMBERS, min_size=1, max_size=8), min_size=1, max_size=40))
@example([[2**53, 0.125, 1e-6], [2**53 - 1, 3.3], [1e300, 7], [1e-300, 5e-324], [-0.0], [123456789.123456789, 1e9]])
def test_what_comes_back_is_the_same(server: Server, series: list[list[float]]) -> None:
    device = f"values-{time.time_ns()}"
    begin = time.time_ns() // 1_000_000 - 60_000
    shape = [("n.value", f'{{"at":"{at}"}}') for at in range(len(series))]
    chunk = [
        PendingRun(begin + at, begin + at, 1, [(place, row[at]) for place, row in enumerate(series) if at < len(row)])
        for at in range(max(map(len, series)))
    ]
    body = Lines(device, {1: shape}, False).encode(chunk)
    requests.post(server.import_url, data=body, timeout=60).raise_for_status()
    seen = 0
    for line in server.exported(f'{{device_id="{device}"}}'):
        metric, values, timestamps = line["metric"], line["values"], line["timestamps"]
        assert isinstance(metric, dict)
        assert isinstance(values, list)
        assert isinstance(timestamps, list)
        sent = series[int(metric["at"])]
        for at, got in zip(timestamps, values):
            largest = max(map(abs, sent))
            assert is_same(sent[at - begin], got, largest), (sent, values)
            seen += 1
    assert seen == sum(map(len, series))


@pytest.mark.parametrize(
    ("stored", "got"),
    [
        (10**15 - 1, 10**15 - 2),
        (10**12 + 1, 10**12),
        (0, 1e-9),
        (45.2, 45.2000001),
        (47.153, 47.152),
        (1.0, math.nan),
        (1.0, math.inf),
        (5, -5),
    ],
)
def test_what_differs_is_not_the_same(stored: float, got: float) -> None:
    assert not is_same(stored, got, max(abs(stored), 100))


def test_samples_from_before_the_clock_was_set_are_looked_for_at_their_right_time(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SETTLED_MS", 0)
    store = Store(str(tmp_path / "m.db"))
    device = f"clock-{time.time_ns()}"
    rows: list[tuple[str, str, int, str | int | float]] = [
        ("device", "id", 0, device),
        ("remote", "enabled", 0, 1),
        ("remote", "url", 0, server.import_url),
    ]
    replace_settings(store.path, rows)
    now = time.time_ns() // 1_000_000
    booted = now - 3_600_000

    def collect(since_boot_ms: int, clock_ms: int, synchronized: bool) -> None:
        moment = Moment(clock_ms, since_boot_ms, "this boot", synchronized)
        with store.writing() as connection:
            runs.add(connection, runs.Run("collect", moment, metric="m", samples=[Sample("a.value", since_boot_ms)]))

    for number in range(10):
        collect(number * 60_000, booted - 40 * 86_400_000 + number * 60_000, False)
    ended = Moment(now, 3_600_000, "this boot", False)
    options = command.parser().parse_args(["--json", "--database", store.path])
    # Nobody knows the time yet: they wait, wherever in time that is.
    assert command.verify(store, ended, options) == 0
    with store.writing() as connection:
        boots.fix(connection, Moment(now, 3_600_000, "this boot", True), now)
    collect(3_500_000, booted + 3_500_000, True)
    assert uploader.upload(store, Moment(now, 3_600_000, "this boot", True), everything=True) == 0
    found = {
        at
        for line in server.exported(f'{{device_id="{device}"}}')
        for at in line["timestamps"]  # type: ignore[attr-defined]
    }
    assert found == {booted + number * 60_000 for number in range(10)} | {booted + 3_500_000}
    assert command.verify(store, Moment(now, 3_600_000, "this boot", True), options) == 0
    store.close()
