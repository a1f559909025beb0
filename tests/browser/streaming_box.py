"""The database of a box that has been streaming for an hour and a half, up to this moment, with trouble on the way."""

from __future__ import annotations

import math
from pathlib import Path

from belabox_metrics import clock
from belabox_metrics.clock import Moment
from belabox_metrics.event import Event
from belabox_metrics.sample import Sample
from belabox_metrics.store import events, queue, runs, sessions
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store
from belabox_metrics.stream.session import COMPLETED, Session, SessionChange

MINUTE = 60_000
HOUR = 60 * MINUTE
LIVE_FOR = 95 * MINUTE
SESSION = "11111111-2222-4333-8444-555555555555"
EARLIER = "99999999-2222-4333-8444-555555555555"
INTERVALS = {
    "cpu.temperature": 30_000,
    "cpu.usage": 10_000,
    "memory.usage": 30_000,
    "disk.usage": 300_000,
    "modem": 30_000,
    "srt.relay": 5_000,
    "stream.session": 10_000,
    "stream.links": 10_000,
    "stream.health": 30_000,
}
OF_A_STREAM = ("modem", "srt.relay", "stream.health", "stream.links")
HOSTILE = "<script>x</script>"


class StreamingBox:
    """Its runs are `every_ms` apart and the last ones are of `now`."""

    def __init__(self, path: Path, *, live: bool = True, hostile: bool = False, every_ms: int = 30_000) -> None:
        self.store = Store(str(path))
        self.now = clock.now()
        self.every_ms = every_ms
        self.hostile = hostile
        self.wlan = HOSTILE if hostile else "wlan0"
        self._configure()
        began_ms = self.now.wall_ms - LIVE_FOR
        with self.store.writing() as connection:
            runs.add(connection, runs.Run("apply", self.moment(-2 * HOUR), priority=3))
            self._session(EARLIER, self.now.wall_ms - 30 * HOUR, self.now.wall_ms - 27 * HOUR)
            for ago_ms in range(2 * HOUR, -1, -every_ms):
                at_ms = self.now.wall_ms - ago_ms
                if live and at_ms >= began_ms and at_ms - every_ms < began_ms:
                    change = SessionChange(live=Session(SESSION, began_ms, '{"latency_ms": 2000}'))
                    sessions.apply(connection, change, self.moment(-ago_ms))
                self.sample(-ago_ms, live and at_ms >= began_ms)
            if live:
                events.add(connection, self._happened(), self.moment(0))
        self.upload()

    def moment(self, after_ms: int) -> Moment:
        """So long after now."""
        return Moment(self.now.wall_ms + after_ms, self.now.boottime_ms + after_ms, self.now.boot_id, True)

    def sample(self, after_ms: int, live: bool) -> None:
        """One run of each metric, so long after now."""
        for metric, samples in self.samples(after_ms, live).items():
            self._run(metric, samples, after_ms)
        if not live:
            for metric in OF_A_STREAM:
                self._without(metric, after_ms)

    def samples(self, after_ms: int, live: bool) -> dict[str, list[Sample]]:
        """What each metric gives then."""
        swing = math.sin(after_ms / 400_000)
        bad = 20 * MINUTE < -after_ms < 24 * MINUTE
        rate = (800 if bad else 5600) + 300 * swing
        found = {
            "cpu.temperature": [Sample("cpu.temperature", round(61 + 6 * swing, 1))],
            "cpu.usage": [
                Sample("cpu.usage_percent", round(38 + 9 * swing, 1), {"core": "all"}),
                *(Sample("cpu.usage_percent", 40 + core, {"core": f"cpu{core}"}) for core in range(8)),
            ],
            "memory.usage": [Sample("memory.used_bytes", 3_221_225_472), Sample("memory.total_bytes", 16_777_216_000)],
            "disk.usage": [
                Sample("disk.usage_percent", 43.1, {"mount": "/"}),
                Sample("disk.available_bytes", 33_000_000_000, {"mount": "/"}),
            ],
            "stream.session": [Sample("stream.live", int(live))],
        }
        if live:
            shares = {"usb0": 0.5, "eth0": 0.3, self.wlan: 0.2}
            found["stream.session"].append(Sample("stream.reconnects_total", 2))
            found["srt.relay"] = [
                Sample("srt.bitrate_kbps", round(rate, 1)),
                Sample("srt.rtt_ms", round(420.0 if bad else 84 + 20 * swing, 1)),
                Sample("srt.packet_loss_percent", 7.5 if bad else 0.12),
            ]
            found["stream.links"] = [
                Sample("stream.bitrate_kbps", round(1.1 * rate, 1)),
                *(
                    Sample("stream.link_bitrate_kbps", round(1.1 * rate * share, 1), {"interface": name})
                    for name, share in shares.items()
                ),
                *(
                    Sample("stream.link_share_percent", 100 * share, {"interface": name})
                    for name, share in shares.items()
                ),
            ]
            found["stream.health"] = [
                Sample("stream.health_score", 20 if bad else 93),
                Sample("stream.health_part_ratio", 0.93, {"part": "round_trip"}),
                Sample("stream.health_part_ratio", 1.0, {"part": "loss"}),
            ]
            name = HOSTILE if self.hostile else "Quectel-1a2b"
            found["modem"] = [
                Sample("modem.signal_quality_percent", 71, {"modem": name}),
                Sample("modem.rsrp_dbm", -97, {"modem": name, "technology": "lte"}),
                # Beside it the page has no room for the other power.
                Sample("modem.rssi_dbm", -61, {"modem": name, "technology": "lte"}),
                Sample("modem.access_technology", HOSTILE if self.hostile else "lte", {"modem": name}),
                Sample("modem.rx_bytes_total", 1000, {"modem": name, "interface": "usb0"}),
            ]
        return found

    def step(self, *, temperature: float) -> None:
        """Another run now, of the temperature."""
        self.now = clock.now()
        with self.store.writing():
            self._run("cpu.temperature", [Sample("cpu.temperature", temperature)], 0)

    def fail(self, metric: str, error: str) -> None:
        with self.store.writing() as connection:
            runs.add(connection, runs.Run("collect", clock.now(), metric=metric, outcome=runs.FAILED, error=error))

    def alert(self, metric: str, name: str, since_ms: int) -> None:
        with self.store.writing() as connection:
            runs.remember_alerts(connection, metric, f"{name} {since_ms} 1 1 {self.now.boot_id}")

    def upload(self) -> None:
        with self.store.writing() as connection:
            queue.advance(connection, 2, queue.frontier(connection))
            queue.count(connection, 2, sent=12_345)
            runs.add(connection, runs.Run("upload", clock.now(), priority=3))

    def _run(self, metric: str, samples: list[Sample], after_ms: int) -> None:
        runs.add(self.store.connection(), runs.Run("collect", self.moment(after_ms), metric=metric, samples=samples))

    def _without(self, metric: str, after_ms: int) -> None:
        no_data = runs.Run(
            "collect", self.moment(after_ms), metric=metric, outcome=runs.NO_DATA, error="no stream is live"
        )
        runs.add(self.store.connection(), no_data)

    def _configure(self) -> None:
        rows: list[tuple[str, str, int, str | int | float]] = [
            ("device", "id", 0, "box-1"),
            ("device", "name", 0, HOSTILE if self.hostile else "Orange Pi 5+"),
            ("remote", "enabled", 0, 1),
            ("remote", "url", 0, "http://server:8428/import"),
            ("health.degraded_threshold", "pending_metrics", 0, 10**6),
            ("health.error_threshold", "pending_metrics", 0, 10**7),
        ]
        for metric, interval_ms in INTERVALS.items():
            rows += [
                (f"metrics/{metric}", "interval_ms", 0, interval_ms),
                (f"metrics/{metric}", "scheduled", 0, 1),
                (f"metrics/{metric}", "reason", 0, ""),
            ]
        replace_settings(self.store.path, rows)

    def _session(self, uuid: str, start_ms: int, end_ms: int) -> None:
        connection = self.store.connection()
        begun = Session(uuid, start_ms, "{}")
        sessions.apply(connection, SessionChange(live=begun), self.moment(start_ms - self.now.wall_ms))
        ended = Session(uuid, start_ms, "{}", end_ms, COMPLETED)
        sessions.apply(connection, SessionChange(ended=ended), self.moment(end_ms - self.now.wall_ms))

    def _happened(self) -> list[Event]:
        now_ms = self.now.wall_ms
        return [
            Event("session_started", now_ms - LIVE_FOR),
            Event("srt_connected", now_ms - LIVE_FOR + 3000),
            Event("link_down", now_ms - 24 * MINUTE, {"interface": self.wlan, "reason": "carrier"}),
            Event("srt_lost", now_ms - 23 * MINUTE, {"reason": "timeout"}, 0, "no acknowledgement for six seconds"),
            Event("srt_connected", now_ms - 22 * MINUTE),
            Event("link_up", now_ms - 20 * MINUTE, {"interface": self.wlan}),
        ]
