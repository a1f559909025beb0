"""What the real uploader sends is right, and a failure that the receiver plays makes it send again, not lose."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

from .conftest import IMPORT, ROOT, Receiver, Start

SAMPLES = [
    Sample("cpu.temperature", 52.3),
    Sample("cpu.usage_percent", 45.2, {"core": "all"}),
    Sample("network.rx_bytes_total", 2**53, {"interface": "eth0", "device_id": "mine"}),
]


def box(path: Path, receiver: Receiver) -> Store:
    store = Store(str(path / "metrics.db"))
    url = f"http://127.0.0.1:{receiver.port}{IMPORT}"
    replace_settings(store.path, [("device", "id", 0, "box-1"), ("remote", "url", 0, url), ("remote", "enabled", 0, 1)])
    wall_ms = time.time_ns() // 1_000_000
    with store.writing() as connection:
        runs.add(
            connection,
            runs.Run("collect", Moment(wall_ms, 1000, "boot", True), metric="some.metric", samples=SAMPLES, priority=2),
        )
    return store


def upload(store: Store) -> tuple[int, str]:
    """Exit code and what the job said."""
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", ROOT / "jobs/upload.py"],
        env={"BELABOX_METRICS_DATABASE": store.path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def upload_of(receiver: Receiver) -> Any:
    """What is told of the first upload; before it the uploader may have asked for other things, as for the time."""
    while True:
        told = receiver.told()
        if told["event"] == "upload":
            return told


def test_all_that_the_uploader_sends_is_right(start: Start, tmp_path: Path) -> None:
    receiver = start("--json", "--verbose")
    code, said = upload(box(tmp_path, receiver))
    assert code == 0, said
    told = upload_of(receiver)
    assert (told["status"], told["samples"], told["devices"], told["wrong"]) == ("204", 3, {"box-1": 3}, False)
    assert 'cpu_usage_percent{core="all",device_id="box-1"}' in told["series"]
    assert receiver.end(signal.SIGINT)[0] == 0


def test_what_it_was_told_to_refuse_stays_on_the_box(start: Start, tmp_path: Path) -> None:
    receiver = start("--json", "--fail", "503")
    code, said = upload(box(tmp_path, receiver))
    assert code == 75, said
    told = upload_of(receiver)
    assert (told["status"], told["samples"], told["taken"]) == ("503", 3, False)
