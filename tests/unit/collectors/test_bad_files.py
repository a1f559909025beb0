"""Every collector against every way a file can be wrong: a Problem or NoData with one line, soon, and
nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

from belabox_metrics.collectors import (
    audio,
    cpu_frequency,
    cpu_temperature,
    cpu_usage,
    disk_io,
    disk_usage,
    encoder,
    fan,
    gpu,
    hdmi_input,
    io_wait,
    memory_usage,
    modem,
    network_traffic,
    npu,
    power,
    pressure,
    srt_packet_loss,
    system_load,
    system_uptime,
    thermal_throttle,
)
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.world import World, defaults

FILES: dict[str, tuple[ModuleType, str]] = {
    "cpu.temperature": (cpu_temperature, "/sys/class/thermal/thermal_zone0/temp"),
    "cpu.usage": (cpu_usage, "/proc/stat"),
    "memory.usage": (memory_usage, "/proc/meminfo"),
    "disk.io": (disk_io, "/proc/diskstats"),
    "network.traffic": (network_traffic, "/proc/net/dev"),
    "encoder": (encoder, "/proc/interrupts"),
    "hdmi.input": (hdmi_input, "/sys/class/video4linux/video0/name"),
    "modem": (modem, "/sys/class/net/usb0/device/uevent"),
    "srt.packet_loss": (srt_packet_loss, "/tmp/srt.json"),
    "audio": (audio, "/proc/asound/card0/pcm0c/sub0/status"),
    "cpu.frequency": (cpu_frequency, "/sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq"),
    "disk.usage": (disk_usage, "/proc/self/mounts"),
    "fan": (fan, "/sys/class/hwmon/hwmon0/fan1_input"),
    "gpu": (gpu, "/sys/class/devfreq/fb000000.gpu/load"),
    "io.wait": (io_wait, "/proc/stat"),
    "npu": (npu, "/proc/rknpu/load"),
    "power": (power, "/sys/class/power_supply/AC/online"),
    "pressure": (pressure, "/proc/pressure/memory"),
    "system.load": (system_load, "/proc/loadavg"),
    "system.uptime": (system_uptime, "/proc/uptime"),
    "thermal.throttle": (thermal_throttle, "/sys/class/thermal/cooling_device0/type"),
}


def missing(_path: Path) -> None:
    pass


def directory(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def ten_megabytes(path: Path) -> None:
    path.write_bytes(b"cpu0 1 2 3 4 5 6 7 8\n" * 500_000)


def one_long_line(path: Path) -> None:
    path.write_bytes(b"9" * 500_000 + b"\n")


def many_fields(path: Path) -> None:
    path.write_bytes(b"cpu0 " + b"1 " * 200_000 + b"x\n")


def no_text(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64 + b"\n")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(4096))


def line_feeds(path: Path) -> None:
    path.write_bytes(b"\n" * 1000)


@pytest.mark.parametrize(
    "spoil",
    [
        *(missing, directory, fifo, dangling, circle, endless, empty),
        *(ten_megabytes, one_long_line, no_text, zeros, line_feeds),
    ],
)
@pytest.mark.parametrize("metric", FILES)
def test_a_bad_file(metric: str, spoil: Callable[[Path], None], tmp_path: Path) -> None:
    collector, path = FILES[metric]
    file = Path(f"{tmp_path}{path}")
    file.parent.mkdir(parents=True)
    spoil(file)
    settings = {**defaults(collector.SETTINGS), "file": path}
    with pytest.raises((NoData, SourceProblem)) as caught:
        collector.collect(World(str(tmp_path), settings))
    message = str(caught.value)
    assert message.isprintable()
    assert 10 < len(message) < 300


def test_more_fields_than_a_kernel_has_are_news_of_a_later_one(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    many_fields(tmp_path / "proc/stat")
    assert cpu_usage.collect(World(str(tmp_path))).state == "cpu0 1 1 1 1 1 1 1 1\n"


@pytest.mark.parametrize("metric", FILES)
def test_every_collector_keeps_to_the_form(metric: str) -> None:
    collector, _ = FILES[metric]
    assert metric == collector.METRIC
    assert collector.__name__.rpartition(".")[2] == metric.replace(".", "_")
    assert collector.PRIORITY in range(4)
    kinds = {"patterns": list, "pattern": str, "count": int, "duration": int, "url": str, "path": str}
    for kind, default in collector.SETTINGS.values():
        assert isinstance(default, kinds[kind])
