"""The specification's form of a collection, as somebody would write it who takes its texts as they stand.

naive.py DATABASE CONFIG [--requests]

Its table with five indexes made if missing, its configuration parsed as YAML at every start, the usual imports, one row
a sample, a connection that is closed. Ten samples: what a collection has on average. `--requests` imports what an
upload needs, for those who put both into one program.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import logging
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append("/usr/lib/python3/dist-packages")

import yaml

with contextlib.suppress(ImportError):
    from systemd import journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp_ms INTEGER NOT NULL,
    metric_name TEXT NOT NULL,
    metric_value REAL,
    value_text TEXT,
    value_type INTEGER NOT NULL DEFAULT 0,
    tags TEXT,
    session_id TEXT,
    device_id TEXT NOT NULL,
    uploaded INTEGER DEFAULT 0,
    priority INTEGER DEFAULT 2,
    dedup_key TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_timestamp ON metrics(timestamp_ms);
CREATE INDEX IF NOT EXISTS idx_metric_session ON metrics(metric_name, session_id, timestamp_ms);
CREATE INDEX IF NOT EXISTS idx_uploaded ON metrics(uploaded, priority, timestamp_ms, id);
CREATE INDEX IF NOT EXISTS idx_name_dev_time ON metrics(metric_name, device_id, timestamp_ms);
CREATE UNIQUE INDEX IF NOT EXISTS ux_metrics_dedup ON metrics(dedup_key);
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, start_time INTEGER NOT NULL, end_time INTEGER, status TEXT, metadata TEXT
);
CREATE TABLE IF NOT EXISTS upload_checkpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT, batch_id TEXT NOT NULL, chunk_index INTEGER NOT NULL,
    last_uploaded_id INTEGER, last_uploaded_timestamp INTEGER, upload_time INTEGER, metrics_count INTEGER
);
"""
INSERT = """
INSERT OR IGNORE INTO metrics
    (timestamp_ms, metric_name, metric_value, tags, session_id, device_id, priority, dedup_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass
class Sample:
    timestamp_ms: int
    name: str
    value: float
    tags: dict[str, str] = field(default_factory=dict)
    session_id: str | None = None

    def row(self, device: str, priority: int) -> tuple[Any, ...]:
        tags = json.dumps(self.tags, sort_keys=True, separators=(",", ":"))
        key = f"{self.name}|{self.timestamp_ms}|{device}|{tags}"
        return (self.timestamp_ms, self.name, self.value, tags, self.session_id, device, priority, key)


def collect() -> list[Sample]:
    """Ten samples from /proc/meminfo."""
    now = time.time_ns() // 1_000_000
    found = []
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()[:10]:
        name, rest = line.split(":")
        found.append(Sample(now, f"memory.{name.lower()}_bytes", float(rest.split()[0]) * 1024, {"unit": "bytes"}))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("config")
    parser.add_argument("--requests", action="store_true")
    options = parser.parse_args()
    if options.requests:
        import requests

        requests.Session()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    with Path(options.config).open(encoding="utf-8") as file:
        config = yaml.safe_load(file)
    started = time.monotonic()
    with Path(options.database + ".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = sqlite3.connect(options.database)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(SCHEMA)
        rows = [sample.row(config["device"]["id"], 2) for sample in collect()]
        with connection:
            connection.executemany(INSERT, rows)
        connection.close()
    took = f"{(time.monotonic() - started) * 1000:.1f}"
    logging.info("collected %d", len(rows))
    if "journal" in globals():
        journal.send("collected", BELABOX_METRIC="memory.usage", BELABOX_COUNT=len(rows), BELABOX_DURATION_MS=took)


main()
