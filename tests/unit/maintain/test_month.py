"""Ten days of a small box: as large as it says, whole, and a collection costs what it did."""

from __future__ import annotations

from pathlib import Path

from tests.retention.month import EPOCH_S, HOUR_S, Month
from tests.retention.schedule import Metric

from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.checkpoint import log_size

SCHEDULE = (
    Metric("few", 60, 2, 4, 2, 6, 1),
    Metric("seldom", 300, 3, 2, 0, 0),
    Metric("stream", 120, 1, 8, 0, 0, streaming=True),
)
HOUR_MS = 3_600_000
AGES = {
    "full_resolution_ms": 24 * HOUR_MS,
    "aggregated_1m_ms": 3 * 24 * HOUR_MS,
    "aggregated_5m_ms": 7 * 24 * HOUR_MS,
}


def pages_a_run(month: Month) -> float:
    """Pages that a collection adds to the log, on average."""
    before = log_size(month.store.path)
    for at in range(100):
        moment = month.moment(EPOCH_S + month.hours * HOUR_S + at)
        with month.store.writing() as connection:
            samples = [Sample("probe", at)]
            runs.add(connection, runs.Run("collect", moment, metric="probe", samples=samples))
    return (log_size(month.store.path) - before) / 1048 / 100


def test_ten_days(tmp_path: Path) -> None:
    month = Month(str(tmp_path / "metrics.db"), SCHEDULE, **AGES)
    month.hour()
    early = pages_a_run(month)
    sizes = []
    while month.hours < 240:
        month.hour()
        if month.hours % 24 == 0:
            sizes.append(month.sizes())
    assert month.store.connection().execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert pages_a_run(month) <= 1.2 * early
    last = sizes[-1]
    # From the eighth day on nothing grows.
    assert last["file_bytes"] <= 1.05 * sizes[7]["file_bytes"]
    assert last["five_minutes"] <= sizes[7]["five_minutes"] * 1.05
    assert 24 * 60 <= last["runs"] - 24 * 120 - 24 * 30 < 24 * 130 + 24 * 6 * 10
    assert last["minutes"] > 2 * 24 * 60
    assert last["file_bytes"] < 4_000_000
    month.store.close()
