"""Two hours of three boxes, scripted: what dashboards and alert rules are tried on.

`fleet-well` is well all the time. `fleet-bad` has a stream from -110 to -100 min and one from -95 min on, and TROUBLE
of every kind from -80 to -50 min. `fleet-gone` is well and live until GONE, and then silent. Names and labels are made
as the uploader makes them; what vmalert and the page /metrics would have added is there too.
"""

from __future__ import annotations

import functools
import json
from typing import NamedTuple

import requests

from belabox_metrics.sample import canonical
from belabox_metrics.upload.formats.labels import labels_of

# Away from all that other tests have stored.
END = 1_750_000_000
MINUTE = 60
BEGIN = END - 120 * MINUTE
TROUBLE = range(END - 80 * MINUTE, END - 50 * MINUTE)
GONE = END - 40 * MINUTE
FIRST = range(END - 110 * MINUTE, END - 100 * MINUTE)
SECOND_BEGAN = END - 95 * MINUTE
BOXES = ("fleet-well", "fleet-bad", "fleet-gone")


class Row(NamedTuple):
    """A series: its value while all is well, and in trouble. Of a counter it is what it grows by in a second."""

    name: str
    tags: dict[str, str]
    every_s: int
    well: float
    bad: float
    while_live: bool = False
    # What the page /metrics has and no upload.
    scraped: bool = False


def _rows() -> list[Row]:
    live = [
        *[(f"stream.{name}", {}, 10, well, bad) for name, well, bad in (
            ("links", 2, 2), ("links_active", 2, 1), ("bitrate_kbps", 6000, 900), ("bond_efficiency_percent", 97, 60),
            ("reconnects_total", 0, 0.001))],
        *[(f"stream.{name}", {"interface": link}, 10, well, bad) for name, well, bad in (
            ("link_bitrate_kbps", 3000, 450), ("link_share_percent", 50, 50)) for link in ("wwan0", "usb0")],
        *[(f"stream.{name}", {"link": link}, 10, well, bad) for name, well, bad in (
            ("link_rtt_ms", 50, 800), ("link_naks_total", 0.1, 20)) for link in ("10.0.0.2", "10.0.1.2")],
        *[(f"stream.{name}", {}, 30, well, bad) for name, well, bad in (
            ("health_score", 98, 12), ("stability_index", 95, 20), ("reliability_percent", 99.9, 80),
            ("latency_seconds", 2.1, 4.5))],
        *[("stream.health_part_ratio", {"part": part}, 30, 1, bad) for part, bad in (
            ("loss", 0.1), ("bitrate", 0.3), ("links", 0.75))],
        *[(f"srt.{name}", {}, 5, well, bad) for name, well, bad in (
            ("connected", 1, 1), ("packet_loss_percent", 0.2, 12), ("drop_percent", 0, 3),
            ("retransmit_percent", 1, 14), ("rtt_ms", 60, 900), ("latency_ms", 2000, 2000), ("buffer_ms", 300, 1950),
            ("bitrate_kbps", 5800, 850), ("send_rate_mbps", 6, 1))],
        *[(f"encoder.{name}", tags, 30, well, bad) for name, tags, well, bad in (
            ("running", {}, 1, 1), ("frame_rate_fps", {}, 60, 11), ("output_frame_rate_fps", {}, 60, 12),
            ("output_bitrate_kbps", {}, 5900, 800), ("frames_dropped_percent", {}, 0, 7), ("load_percent", {}, 40, 99),
            ("bitrate_limit_kbps", {"limit": "max"}, 6000, 6000), ("bitrate_limit_kbps", {"limit": "min"}, 500, 500))],
    ]  # fmt: skip
    always = [
        *[("cpu.usage_percent", {"core": core}, 10, 20, 97) for core in ("cpu0", "cpu1", "all")],
        *[(f"network.{way}_{what}_total", {"interface": "wwan0"}, 10, well, bad) for way in ("rx", "tx")
          for what, well, bad in (("bytes", 400_000, 60_000), ("errors", 0, 1), ("dropped", 0, 2))],
        ("cpu.temperature", {}, 30, 55, 92),
        *[("thermal.zone_temp", {"zone": zone}, 30, 52, 92) for zone in ("soc-thermal", "gpu-thermal")],
        *[(f"memory.{name}_bytes", {}, 30, well, bad) for name, well, bad in (
            ("used", 3e9, 16e9), ("available", 13e9, 5e7), ("swap_used", 0, 1e9))],
        *[(f"disk.{name}_total", {"device": "mmcblk0"}, 30, well, bad) for name, well, bad in (
            ("read_bytes", 1000, 1e6), ("write_bytes", 5000, 4e6))],
        *[(f"hdmi.{name}", {}, 30, well, bad) for name, well, bad in (
            ("present", 1, 1), ("signal", 1, 0), ("frame_rate_fps", 60, 30), ("interruptions_total", 0, 0.01))],
        *[(f"modem.{name}", {"modem": "a1b2"}, 30, well, bad) for name, well, bad in (
            ("connected", 1, 0), ("signal_quality_percent", 70, 10))],
        ("modem.rsrp_dbm", {"modem": "a1b2", "technology": "lte"}, 30, -85, -118),
        ("modem.tx_bytes_total", {"modem": "a1b2", "interface": "wwan0"}, 30, 350_000, 50_000),
        *[(name, tags, 60, well, bad) for name, tags, well, bad in (
            ("thermal.throttled", {}, 0, 1), ("thermal.throttle_percent", {"device": "cpufreq-cpu4"}, 0, 60),
            ("cpu.frequency_hertz", {"policy": "policy4"}, 2.3e9, 1.2e9),
            ("cpu.frequency_limit_hertz", {"policy": "policy4"}, 2.4e9, 1.2e9),
            ("gpu.load_percent", {"device": "fb000000.gpu"}, 5, 60),
            ("fan.level_percent", {"device": "pwm-fan"}, 25, 100),
            ("fan.duty_percent", {"chip": "pwmfan", "fan": "1"}, 30, 100),
            ("memory.pressure_some_percent", {}, 0, 40), ("io.pressure_some_percent", {}, 1, 30),
            ("cpu.pressure_some_percent", {}, 2, 70), ("io.wait_percent", {}, 1, 20), ("system.load_1m", {}, 2, 12),
            ("system.load_5m", {}, 2, 11), ("system.load_15m", {}, 2, 9),
            ("audio.capture_running", {"card": "rockchiphdmiin", "device": "0"}, 1, 0),
            ("audio.buffer_percent", {"card": "rockchiphdmiin", "device": "0"}, 20, 95),
            ("collector.metrics_collected_total", {}, 6, 6), ("collector.metrics_failed_total", {}, 0, 0.05),
            ("collector.collection_duration_seconds", {"quantile": "0.5"}, 0.02, 0.3),
            ("collector.collection_duration_seconds", {"quantile": "0.95"}, 0.05, 0.9),
            ("uploader.metrics_uploaded_total", {}, 6, 1), ("uploader.metrics_rejected_total", {}, 0, 0.01),
            ("uploader.upload_failures_total", {}, 0, 0.02),
            ("uploader.upload_duration_seconds", {"quantile": "0.5"}, 0.2, 8),
            ("uploader.upload_duration_seconds", {"quantile": "0.95"}, 0.4, 20),
            ("storage.database_size_bytes", {}, 2e7, 2.1e7), ("storage.wal_size_bytes", {}, 1e6, 7e7))],
        *[("disk.usage_percent", {"mount": mount}, 300, 40, 97) for mount in ("/", "/var")],
        ("time.skew_ms", {}, 300, 12, 5200),
        ("time.skew_error_ms", {}, 300, 520, 520),
        ("system.uptime_seconds", {}, 300, 90_000, 90_000),
    ]  # fmt: skip
    scraped = [
        ("up", {"job": "belabox", "instance": "10.0.0.5:9100"}, 1, 0),
        ("belabox.status", {"status": "error"}, 0, 1),
        ("belabox.status", {"status": "degraded"}, 0, 1),
        ("belabox.component_ok", {"component": "collector.cpu.usage"}, 1, 0),
        ("belabox.component_ok", {"component": "uploader"}, 1, 1),
        ("belabox.upload_age_seconds", {}, 12, 1200),
        ("belabox.samples_pending", {}, 100, 9000),
        ("belabox.clock_skew_seconds", {}, 0.01, -5.2),
        ("belabox.wal_bytes", {}, 1e6, 7e7),
        ("belabox.alert_raised", {"alert": "cpu_temperature", "metric": "cpu.temperature"}, 0, 1),
    ]
    return [
        *[Row(*row, while_live=True) for row in live],
        *[Row(*row) for row in always],
        *[Row(name, tags, 15, well, bad, scraped=True) for name, tags, well, bad in scraped],
    ]


ROWS = _rows()
# Name, tags, minutes before END: of fleet-bad.
EVENTS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("session_started", {}, 110),
    ("session_ended", {}, 100),
    ("session_started", {}, 95),
    ("link_down", {"interface": "wwan0", "reason": "timeout"}, 79),
    ("alert_raised", {"alert": "packet_loss"}, 80),
    ("all_links_down", {}, 75),
    ("alert_cleared", {"alert": "packet_loss"}, 50),
    ("alert_raised", {"alert": "cpu_temperature"}, 4),
)


def is_live(box: str, at: int) -> bool:
    return box != "fleet-bad" or at in FIRST or at >= SECOND_BEGAN


def lines() -> list[str]:
    """For /api/v1/import."""
    found = []
    for box in BOXES:
        until = GONE if box == "fleet-gone" else END + 1
        for row in ROWS:
            times = [at for at in range(BEGIN, until, row.every_s) if not row.while_live or is_live(box, at)]
            found.append(_line(box, row.name, row.tags, times, _values(box, row, times)))
        ticks = list(range(BEGIN, until, 10))
        found.append(_line(box, "stream.live", {}, ticks, [int(is_live(box, at)) for at in ticks]))
        lives = [at for at in ticks if is_live(box, at)]
        found.append(_line(box, "stream.uptime_seconds", {}, lives, [at - _began(box, at) for at in lives]))
        minutes = list(range(BEGIN, until, 60))
        found.append(_line(box, "storage.metrics_pending_upload", {}, minutes, [_pending(box, at) for at in minutes]))
    for name, tags, minutes_ago in EVENTS:
        found.append(_line("fleet-bad", "stream.event", {**tags, "event": name}, [END - minutes_ago * MINUTE], [1]))
    firing = {"alertname": "BoxHot", "alertstate": "firing"}
    times = list(range(TROUBLE.start, TROUBLE.stop, 15))
    found.append(_line("fleet-bad", "ALERTS", firing, times, [1] * len(times)))
    return found


@functools.cache
def load(url: str) -> None:
    """Into the server at `url`, once: twice the same samples would be taken for a series of another interval."""
    requests.post(f"{url}/api/v1/import", data="\n".join(lines()), timeout=60).raise_for_status()
    requests.get(f"{url}/internal/force_flush", timeout=30).raise_for_status()
    requests.get(f"{url}/internal/resetRollupResultCache", timeout=30).raise_for_status()


def _values(box: str, row: Row, times: list[int]) -> list[float]:
    each = [row.bad if box == "fleet-bad" and at in TROUBLE else row.well for at in times]
    if not row.name.endswith("_total"):
        return each
    total, found = 0.0, []
    for rate in each:
        total += rate * row.every_s
        found.append(total)
    return found


def _began(box: str, at: int) -> int:
    if box != "fleet-bad":
        return BEGIN
    return FIRST.start if at in FIRST else SECOND_BEGAN


def _pending(box: str, at: int) -> float:
    """In trouble it grows by 10 a second, and is gone soon after."""
    return (at - TROUBLE.start) * 10 if box == "fleet-bad" and at in TROUBLE else 100


def _line(box: str, name: str, tags: dict[str, str], times: list[int], values: list[float]) -> str:
    labels = labels_of((name, canonical(tags)), box)
    return json.dumps({"metric": labels, "values": values, "timestamps": [at * 1000 for at in times]})
