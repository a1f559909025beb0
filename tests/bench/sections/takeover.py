"""Databases of the Go system, taken over: seconds, how long the lock was held, bytes before and after."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path

from ..figures import Figure
from ..options import Options
from ..processes import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "lib"))

from belabox_metrics.store import importer
from belabox_metrics.store.database import Store
from belabox_metrics.store.takeover import resume

ROWS = 100_000
SAME = "metric_name, metric_value, value_text, value_type, tags, session_id, device_id"
# The rows of a fixture again and again, two minutes later each time.
AGAIN = {
    "go-v1.sql": (28, "NULL, timestamp + ?1 * 120000, metric_name, metric_value, device_id"),
    "go-v2.sql": (88, f"NULL, timestamp_ms + ?1 * 120000, {SAME}, ?1 < 300, priority, dedup_key || ?1"),
}


def measure(options: Options) -> list[Figure]:
    folder = options.folder("takeover")
    wanted = ROWS // 10 if options.quick else ROWS
    figures = []
    for script in AGAIN:
        path = folder / script / "metrics.db"
        path.parent.mkdir()
        rows = fill(path, script, wanted)
        before = series(path)
        size = path.stat().st_size
        store = Store(str(path))
        holds: list[float] = []
        began = time.monotonic()
        store.connection()
        while not (state := _timed(store, holds)).done:
            pass
        took = time.monotonic() - began
        store.close()
        name = script.removesuffix(".sql")
        equal = series(path) == before and state.left == 0
        figures += [
            Figure("takeover", f"{name}: seconds", took, "s", f"{rows} rows", 10),
            Figure("takeover", f"{name}: longest hold of the lock", max(holds) * 1000, "ms", "of a batch", 100),
            Figure("takeover", f"{name}: series with as many samples as before", int(equal), "", "all", 1, least=True),
            Figure("takeover", f"{name}: bytes a sample", path.stat().st_size / rows, "", f"before {size / rows:.0f}"),
        ]
    return figures


def fill(path: Path, script: str, wanted: int) -> int:
    """A database of the fixture's schema with so many rows, about; how many."""
    ids, columns = AGAIN[script]
    connection = sqlite3.connect(path)
    text = (CHECKOUT / "tests/fixtures/databases" / script).read_text()
    connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {text}")
    # The first milestone's has a row twice, which comes once.
    connection.execute("DELETE FROM metrics WHERE id > ?", (ids,))
    query = f"INSERT INTO metrics SELECT {columns} FROM metrics WHERE id <= {ids}"
    connection.executemany(query, [(time,) for time in range(1, wanted // ids + 1)])
    connection.commit()
    rows = int(connection.execute("SELECT count(*) FROM metrics").fetchone()[0])
    connection.close()
    return rows


def series(path: Path) -> dict[tuple[str, str], int]:
    """How many samples each series has, in either system's database."""
    connection = sqlite3.connect(path)
    has_tags = "tags" in {row[1] for row in connection.execute("PRAGMA table_info(metrics)")}
    query = f"SELECT metric_name, {'tags' if has_tags else 'NULL'}, count(*) FROM metrics GROUP BY 1, 2"
    found = {
        (name, json.dumps(json.loads(tags or "{}"), sort_keys=True)): count
        for name, tags, count in connection.execute(query)
    }
    connection.close()
    return found


def _timed(store: Store, holds: list[float]) -> importer.Import:
    """One batch, and about how long it held the lock: reading it is in it too."""
    began = time.monotonic()
    state = resume.resume(store, 0.0)
    holds.append(time.monotonic() - began)
    return state
