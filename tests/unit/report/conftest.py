"""A stream by a script: twenty minutes of a box, written into a real database as its collectors would, at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Union

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.event import Event
from belabox_metrics.report.report import Report, report
from belabox_metrics.sample import Sample, canonical
from belabox_metrics.store import events, runs, sessions
from belabox_metrics.store.database import Store
from belabox_metrics.stream.session import COMPLETED, Session, SessionChange

START = 1_700_000_000_000
ONE = "11111111-1111-4111-8111-111111111111"
METADATA = (
    '{"bitrate_max_bps":6000000,"latency_ms":2000,"pipeline":"custom/h265_hdmi","relay":"relay.example.net:5000"}'
)
MODEM = {"modem": "a1b2c3d4"}
LTE = {**MODEM, "technology": "lte"}

Value = Union[float, None]
Line = tuple[str, dict[str, str], float]
# What is collected, every so many seconds, of a stream that is well.
SCHEDULE: dict[str, tuple[int, list[Line]]] = {
    "stream.session": (10, [("stream.live", {}, 1), ("stream.reconnects_total", {}, 0)]),
    "stream.links": (
        10,
        [
            ("stream.links", {}, 2),
            ("stream.links_active", {}, 2),
            ("stream.bitrate_kbps", {}, 6100),
            ("stream.link_bitrate_kbps", {"interface": "eth0"}, 4000),
            ("stream.link_bitrate_kbps", {"interface": "wwan0"}, 2100),
        ],
    ),
    "srt.relay": (
        5,
        [
            ("srt.connected", {}, 1),
            ("srt.bitrate_kbps", {}, 5800),
            ("srt.packet_loss_percent", {}, 0.4),
            ("srt.drop_percent", {}, 0),
            ("srt.retransmit_percent", {}, 0.5),
            ("srt.rtt_ms", {}, 62),
        ],
    ),
    "stream.health": (30, [("stream.health_score", {}, 97), ("stream.reliability_percent", {}, 99)]),
    "encoder": (30, [("encoder.frame_rate_fps", {}, 60), ("encoder.bitrate_limit_kbps", {"limit": "max"}, 6000)]),
    "hdmi.input": (30, [("hdmi.present", {}, 1), ("hdmi.signal", {}, 1)]),
    "modem": (30, [("modem.info", {**MODEM, "interface": "wwan0", "kind": "modem"}, 1), ("modem.rsrp_dbm", LTE, -84)]),
    "cpu.temperature": (30, [("cpu.temperature", {}, 61)]),
    "cpu.usage": (10, [("cpu.usage_percent", {"core": "all"}, 41), ("cpu.usage_percent", {"core": "cpu0"}, 50)]),
    "memory.usage": (30, [("memory.available_bytes", {}, 5_000_000_000)]),
    "thermal.throttle": (
        60,
        [("thermal.throttled", {}, 0), ("thermal.throttle_percent", {"device": "cpufreq-cpu4"}, 0)],
    ),
    "pressure": (60, [("memory.pressure_full_percent", {}, 0)]),
    "disk.usage": (300, [("disk.available_bytes", {"mount": "/"}, 8e9), ("disk.usage_percent", {"mount": "/"}, 40)]),
}


class Stream:
    """Seconds are those since the stream was started. `last`: until when; a stop is asked for 2 s before."""

    def __init__(self, folder: Path, last: int = 1200) -> None:
        self.store = Store(str(folder / "metrics.db"))
        self.last = last
        self.status = COMPLETED
        self.is_live = False
        self.metadata = METADATA
        self.fails: list[tuple[str, float, float]] = []
        self.silent: list[tuple[float, float]] = []
        self.jump: tuple[float, int] | None = None
        self._values: dict[tuple[str, str], list[tuple[float, float, Callable[[float], Value]]]] = {}
        self._more: dict[str, list[Line]] = {}
        self._events: list[tuple[float, str, int, dict[str, str], str]] = []
        self.event("start_requested", 0)
        self.event("session_started", 0)
        self.event("srt_connected", 3)

    # ---- the script ----

    def value(
        self, name: str, since: float, until: float, value: Value | Callable[[float], Value], **tags: str
    ) -> None:
        """What the series has from then till then; None: nothing."""
        given = value if callable(value) else lambda _, value=value: value
        self._values.setdefault((name, canonical(tags)), []).append((since, until, given))

    def also(self, metric: str, name: str, value: float, **tags: str) -> None:
        """One more series, all the time."""
        self._more.setdefault(metric, []).append((name, tags, value))

    def event(self, name: str, at: float, text: str = "", priority: int = 1, **tags: str) -> None:
        self._events.append((at, name, priority, tags, text))

    def collapse(self, since: float, until: float, kbps: float = 700) -> None:
        """The bitrate, wherever it is measured."""
        self.value("srt.bitrate_kbps", since, until, kbps)
        self.value("stream.bitrate_kbps", since, until, kbps)

    # ---- the play ----

    def play(self) -> Report:
        """Write it all, and look at it."""
        self._write()
        connection = self.store.reading()
        (session,) = sessions.starting(connection, ONE)
        made = report(connection, session, START + self.last * 1000)
        connection.close()
        return made

    def moment(self, second: float) -> Moment:
        wall_ms = START + round(second * 1000)
        if self.jump and second < self.jump[0]:
            wall_ms -= self.jump[1]
        return Moment(wall_ms, 600_000 + round(second * 1000), "boot-a", True)

    def _write(self) -> None:
        if self.status == COMPLETED and not self.is_live:
            self.event("stop_requested", self.last - 2)
        live = Session(ONE, START, self.metadata)
        left = sorted(self._events, key=lambda one: one[0])
        with self.store.writing() as connection:
            for second in range(-60, self.last + 1):
                if any(since <= second < until for since, until in self.silent):
                    continue
                moment = self.moment(second)
                for metric, (every, lines) in SCHEDULE.items():
                    if (second + len(metric)) % every == 0:
                        runs.add(connection, self._run(metric, second, [*lines, *self._more.get(metric, [])]))
                if second % 5 == 0:
                    due, left = [one for one in left if one[0] <= second], [one for one in left if one[0] > second]
                    told = [
                        Event(name, self.moment(at).wall_ms, tags, priority, text)
                        for at, name, priority, tags, text in due
                    ]
                    events.add(connection, told, moment)
                if second == 6:
                    sessions.apply(connection, SessionChange(live), moment)
            late = self.moment(self.last + 5)
            events.add(
                connection,
                [Event(name, self.moment(at).wall_ms, tags, priority, text) for at, name, priority, tags, text in left],
                late,
            )
            if not self.is_live:
                ended = Session(ONE, START, self.metadata, START + self.last * 1000, self.status)
                sessions.apply(connection, SessionChange(None, ended), late)

    def reboot(self, after: float) -> None:
        """After the script: the box comes back so many seconds later, and finds that no stream is live."""
        self._write()
        moment = Moment(START + round((self.last + after) * 1000), 20_000, "boot-b", True)
        with self.store.writing() as connection:
            runs.add(
                connection, runs.Run("collect", moment, metric="stream.session", samples=[Sample("stream.live", 0)])
            )
            sessions.apply(connection, SessionChange(), moment)

    def again(self) -> Report:
        """Look at what was written before."""
        connection = self.store.reading()
        (session,) = sessions.starting(connection, ONE)
        made = report(connection, session, START + (self.last + 3600) * 1000)
        connection.close()
        return made

    def _run(self, metric: str, second: int, lines: list[Line]) -> runs.Run:
        moment = self.moment(second)
        if any(name == metric and since <= second < until for name, since, until in self.fails):
            return runs.Run("collect", moment, metric=metric, outcome=runs.FAILED, error="127.0.0.1: did not answer")
        samples = []
        for at, (name, tags, value) in enumerate(lines):
            found: Value = value
            # A little to and fro, as all numbers have but those that are counted.
            if value > 30 and "info" not in name:
                found = value * (1 + 0.02 * ((second // 5 * 7 + at * 3) % 5 - 2) / 2)
            for since, until, given in self._values.get((name, canonical(tags)), []):
                if since <= second < until:
                    found = given(second)
            if found is not None:
                samples.append(Sample(name, found, tags))
        return runs.Run("collect", moment, metric=metric, samples=samples, outcome=runs.DONE)


@pytest.fixture(autouse=True)
def in_utc(utc: None) -> None:
    """A stream begins at 22:13:20."""


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    found = Stream(tmp_path)
    yield found
    found.store.close()
