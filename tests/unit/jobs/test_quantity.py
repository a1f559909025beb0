"""Values as a person reads them."""

from __future__ import annotations

import pytest

from belabox_metrics.quantity import shown


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("memory.used_bytes", 3_221_225_472, "3.22 GB"),
        ("disk.read_bytes_total", 512, "512 B"),
        ("disk.read_bytes_total", 999_600, "1 MB"),
        ("memory.swap_used_bytes", 0, "0 B"),
        ("cpu.frequency_hertz", 1_800_000_000, "1.8 GHz"),
        ("srt.bitrate_kbps", 7760, "7.76 Mbit/s"),
        ("srt.bandwidth_mbps", 266.016, "266 Mbit/s"),
        ("bitrate_max_bps", 6_500_000, "6.5 Mbit/s"),
        ("srt.rtt_ms", 45.123, "45.1 ms"),
        ("srt.latency_ms", 2000, "2 s"),
        ("system.uptime_seconds", 7500.5, "2.08 h"),
        ("system.uptime_seconds", 400_000, "4.63 d"),
        ("stream.uptime_seconds", 0.25, "250 ms"),
        ("cpu.usage_percent", 7.129, "7.13 %"),
        ("cpu.temperature", 48.1, "48.1 °C"),
        ("disk.read_ops_total", 18422, "18422"),
        ("system.load_1m", 0.5, "0.5"),
        ("disk.read_time_ms_total", -1, "-1 ms"),
        ("hdmi.mode", "1920x1080p60", "1920x1080p60"),
        ("own_bytes", 1e300, "1e+282 EB"),
        ("own_bytes", 2**63, "9.22 EB"),
        ("own.value", 1e300, "1e+300"),
        ("own_bytes", 10**400, "> 1e308"),
        ("own_ms", -(10**400), "< -1e308"),
    ],
)
def test_a_value_has_its_unit(name: str, value: object, said: str) -> None:
    assert shown(name, value) == said
