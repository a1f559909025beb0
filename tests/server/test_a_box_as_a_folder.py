"""Another device is one folder away: the whole pipeline, from the files of a box to what the server answers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
BOX = ROOT / "tests/fixtures/orangepi5plus"
LATER = ROOT / "tests/fixtures/orangepi5plus.later"
METRICS = ("cpu.temperature", "cpu.usage", "memory.usage", "disk.io", "network.traffic", "srt.packet_loss")


def test_a_box_as_a_folder_arrives_at_the_server(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    # The fixtures as they are, with the file that somebody's receiver writes, and is writing now.
    boxes = [Path(shutil.copytree(box, tmp_path / box.name)) for box in (BOX, LATER)]
    for box in boxes:
        (box / "tmp").mkdir(exist_ok=True)
        shutil.copyfile(ROOT / "tests/fixtures/srt-live-transmit/rx-stats-loss2pct.json", box / "tmp/srt-stats.json")
    entries = "".join(f"  - {{name: {metric}, interval: 10s}}\n" for metric in METRICS[:-1])
    config.write_text(
        "device: {id: folder-box}\n"
        f"remote: {{url: '{server.import_url}', enabled: true}}\n"
        f"metrics:\n{entries}"
        "  - name: srt.packet_loss\n    interval: 5s\n    config: {file: /tmp/srt-stats.json}\n"
    )

    def job(name: str, *arguments: str | Path) -> None:
        environment = {
            "BELABOX_METRICS_CONFIG": str(config),
            "BELABOX_METRICS_DATABASE": f"{tmp_path}/metrics.db",
            "PATH": os.environ["PATH"],
        }
        command = ["/usr/bin/python3", "-I", "-S", ROOT / f"jobs/{name}.py", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    for root in boxes:
        for metric in METRICS:
            job("collect", metric, "--root", root)
    job("upload")

    found: dict[tuple[str, str], list[float]] = {}
    for line in server.exported('{device_id="folder-box"}'):
        labels, values = line["metric"], line["values"]
        assert isinstance(labels, dict)
        assert isinstance(values, list)
        tag = next((labels[key] for key in ("zone", "core", "device", "interface") if key in labels), "")
        found.setdefault((labels["__name__"], tag), []).extend(values)
    assert found["cpu_usage_percent", "all"] == [24.38]
    assert found["cpu_usage_percent", "cpu3"] == [9.2]
    assert found["thermal_zone_temp_celsius", "soc-thermal"][0] == 46.23
    assert found["cpu_temperature_celsius", ""][0] == 47.153
    assert found["memory_total_bytes", ""] == [16590381056, 16590381056]
    written = found["disk_write_bytes_total", "nvme0n1"]
    assert written[1] - written[0] == 10 * 2**20
    assert len(found["network_tx_bytes_total", "wwan0"]) == 2
    assert 1 < found["srt_packet_loss_percent", ""][0] < 4
    assert not [name for name, _ in found if "." in name]
