"""`install.sh --try --once`: what shows a person on any machine that it works."""

from __future__ import annotations

import re
import subprocess

import pytest

from .machine import CHECKOUT

pytestmark = pytest.mark.machine

ANSWERS = {
    "cpu.temperature": "cpu_temperature_celsius",
    "cpu.usage": "cpu_usage_percent",
    "disk.io": "disk_write_bytes_total",
    "memory.usage": "memory_used_bytes",
    "network.traffic": "network_rx_bytes_total",
    "srt.packet_loss": "srt_rtt_ms",
}


@pytest.mark.usefixtures("machine_name")
def test_it_shows_live_values_of_all_metrics_and_leaves() -> None:
    done = subprocess.run(
        [CHECKOUT / "install.sh", "--try", "--once"], capture_output=True, text=True, timeout=300, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "all of it arrived" in said
    for metric, series in ANSWERS.items():
        assert f"belabox-metrics@{metric}.timer" in said
        assert re.search(rf"^ +{series}{{.*}} [0-9.]+$", said, re.MULTILINE)
    assert '{\n    "status": "ok"' in said
