"""The box of the fixtures while it streams, collected once by the real collectors: which series it has."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from belabox_metrics.config.configuration import Configuration, load
from belabox_metrics.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/fixtures"
# A board with its disks, network and modems, and the processes of a stream: at one time, and ten seconds later.
_LAYERS = (("orangepi5plus", "belabox-live"), ("orangepi5plus.later", "belabox-live.later"))
# There is nothing to record of them unless a stream is live.
STREAMING = ("audio", "encoder", "srt.relay", "stream.health", "stream.links")
_RELAY_UP_S = 60


class Collected(NamedTuple):
    """What one run of a metric stores."""

    metric: str
    interval_ms: int
    priority: int
    samples: list[Sample]

    @property
    def numbers(self) -> list[Sample]:
        """Those that are sent: texts stay on the box."""
        return [sample for sample in self.samples if isinstance(sample.value, (int, float))]

    @property
    def is_streaming(self) -> bool:
        return self.metric in STREAMING


def configured(folder: Path, url: str = "http://127.0.0.1:8428/api/v1/import", relay_port: int = 8181) -> Configuration:
    """The shipped configuration, with a server that wants a token and with the relay's statistics."""
    text = (ROOT / "configs/config.yaml").read_text()
    for old, new in (
        ("  id: belabox-001 ", "  id: box-0000 "),
        ('  url: ""\n  enabled: false\n', f"  url: {url}\n  auth: {{type: bearer_token}}\n"),
        ('      url: "" ', f'      url: "http://127.0.0.1:{relay_port}/stats?publisher=publish/live/feed1" '),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "config.yaml"
    path.write_text(text)
    return load(str(path), environment={}, defaults_file=str(folder / "none"))


def collected(folder: Path) -> list[Collected]:
    """Of each metric with a timer that has anything to tell here, in the order of the file."""
    database = folder / "metrics.db"
    with _relay() as port:
        configuration = configured(folder, relay_port=port)
        for name, layers in zip(("now", "later"), _LAYERS):
            box = folder / name
            if name == "later":
                shutil.copytree(folder / "now", box, symlinks=True)
            for layer in layers:
                shutil.copytree(FIXTURES / layer, box, symlinks=True, dirs_exist_ok=True)
            _collect(box, database, [metric.name for metric in configuration.metrics if metric.scheduled])
    store = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    last = {
        metric: (packed, store.execute("SELECT name, tags FROM series WHERE shape = ? ORDER BY position", (shape,)))
        for metric, shape, packed in store.execute(
            "SELECT metric, shape, packed FROM jobs JOIN runs ON runs.id = values_run WHERE jobs.job = 'collect'"
        ).fetchall()
    }
    found = []
    for metric in configuration.metrics:
        if metric.name in last:
            packed, series = last[metric.name]
            values = json.loads(packed)
            samples = [Sample(name, value, json.loads(tags or "{}")) for (name, tags), value in zip(series, values)]
            found.append(Collected(metric.name, metric.interval_ms, metric.priority, samples))
    store.close()
    return found


def _collect(root: Path, database: Path, metrics: list[str]) -> None:
    """What this box can't tell, for want of a device, is left out: the collector has said so."""
    environment = {
        "BELABOX_METRICS_CONFIG": str(root.parent / "config.yaml"),
        "BELABOX_METRICS_DATABASE": str(database),
        "PATH": os.environ["PATH"],
    }
    for metric in metrics:
        command = ["/usr/bin/python3", "-I", "-S", str(ROOT / "jobs/collect.py"), metric, "--root", str(root)]
        subprocess.run(command, env=environment, capture_output=True, check=False)


@contextmanager
def _relay() -> Iterator[int]:
    with socket.socket() as chooser:
        chooser.bind(("127.0.0.1", 0))
        port = int(chooser.getsockname()[1])
    process = subprocess.Popen([sys.executable, str(ROOT / "tests/machine/relay.py"), str(port)])
    try:
        deadline = time.monotonic() + _RELAY_UP_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()
