"""stream.health over a real database: a stream that is well, falls ill and recovers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.collectors import stream_health
from belabox_metrics.errors import NoData
from belabox_metrics.sample import Sample
from belabox_metrics.store import recent, runs, sessions
from belabox_metrics.store.database import Store
from belabox_metrics.stream.session import Session, SessionChange
from belabox_metrics.world import World

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

WALL = 1_760_364_000_000
WELL: dict[str, float] = {"active": 2, "bitrate": 5800, "frames": 30, "loss": 0, "rtt": 40, "reconnects": 0}


class Box:
    """A box whose clock goes on by `pass_`; other metrics are what it is told they gave."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(str(folder / "metrics.db"))
        self.now_ms = 1_000_000
        self.began_ms = self.now_ms
        self.boot = "boot-1"
        self.state = ""
        self.last_ms: int | None = None
        self.relay = "srt.relay"

    @property
    def moment(self) -> Moment:
        return Moment(WALL + self.now_ms, self.now_ms, self.boot, True)

    def give(self, metric: str, **values: object) -> None:
        """One run; `__` stands for the dot of a name, a tuple is a value with tags."""
        samples = []
        for name, value in values.items():
            number, tags = value if isinstance(value, tuple) else (value, None)
            samples.append(Sample(name.replace("__", "."), number, tags))
        with self.store.writing() as connection:
            runs.add(connection, runs.Run("collect", self.moment, metric=metric, samples=samples))

    def stream(self, **change: float) -> None:
        """Ten seconds of a stream, and what each metric says of it."""
        now = {**WELL, **change}
        self.now_ms += 10_000
        age = (self.now_ms - self.began_ms) / 1000
        live = {"stream__uptime_seconds": age, "stream__reconnects_total": now["reconnects"]}
        self.give("stream.session", stream__live=1, **live)
        told = {"stream__links": 2, "stream__links_active": now["active"], "stream__bitrate_kbps": now["bitrate"] * 1.1}
        self.give("stream.links", **told)
        limit = (6000, {"limit": "max"})
        self.give("encoder", encoder__frame_rate_fps=now["frames"], encoder__bitrate_limit_kbps=limit)
        arrives = {
            "srt__rtt_ms": now["rtt"],
            "srt__packet_loss_percent": now["loss"],
            "srt__bitrate_kbps": now["bitrate"],
        }
        self.give(self.relay, srt__connected=int(now["bitrate"] > 0), srt__latency_ms=2000, **arrives)

    def collect(self) -> dict[str, object]:
        """By series, a part as `part.loss`. What it leaves is for the next time."""
        elapsed = None if self.last_ms is None else self.now_ms - self.last_ms
        world = World("", {}, self.state, elapsed, connection=self.store.connection(), moment=self.moment)
        reading = stream_health.collect(world)
        self.state, self.last_ms = reading.state, self.now_ms
        return {
            f"part.{sample.tags['part']}" if sample.tags else sample.name.partition(".")[2]: sample.value
            for sample in reading.samples
        }

    def half_a_minute(self, **change: float) -> dict[str, object]:
        for _ in range(3):
            self.stream(**change)
        return self.collect()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    yield box
    box.store.close()


def test_a_stream_that_is_well(box: Box) -> None:
    box.half_a_minute()
    assert box.half_a_minute() == {
        "health_score": 100,
        "stability_index": 100,
        "reliability_percent": 100,
        "latency_seconds": 2.087,
        **{f"part.{name}": 1 for name in ("connected", "loss", "round_trip", "bitrate", "frame_rate", "links")},
    }


def test_it_falls_ill_and_recovers(box: Box) -> None:
    """Half a minute each: well, worse, dead, connected anew, well, well."""
    story = [
        {},
        {},
        {"loss": 4, "rtt": 300, "bitrate": 3600, "active": 1},
        {"loss": 0, "bitrate": 0, "active": 0, "frames": 30},
        {"reconnects": 1},
        {"reconnects": 1},
        {"reconnects": 1},
    ]
    told = [box.half_a_minute(**change) for change in story]
    scores = [row["health_score"] for row in told]
    assert scores == [100, 100, pytest.approx(21.1, abs=0.2), 0, 100, 100, 100]
    worst = {name: value for name, value in told[2].items() if name.startswith("part.") and value != 1}
    assert worst == {"part.loss": 0.6, "part.round_trip": 0.75, "part.bitrate": 0.625, "part.links": 0.75}
    stability = [row["stability_index"] for row in told]
    assert stability[1] == 100
    assert all(isinstance(value, float) and value < 70 for value in stability[2:5])
    assert stability[-1] == 100
    # Down for one of six times that are known, and one in which it connected anew.
    assert [row.get("reliability_percent") for row in told] == [None, 100, 100, 66.67, 50, 60, 66.67]


def test_a_bond_without_an_address_is_no_stream_that_is_well(box: Box) -> None:
    for _ in range(3):
        box.stream()
    box.now_ms += 1000
    box.give("stream.links", stream__links=0, stream__links_active=0, stream__bitrate_kbps=0)
    found = box.collect()
    assert (found["health_score"], found["part.links"]) == (0, 0)


@pytest.mark.parametrize("relay", ["srt.relay", "srt.packet_loss"])
def test_either_metric_of_the_relay_will_do(box: Box, relay: str) -> None:
    box.relay = relay
    assert "part.loss" in box.half_a_minute()


def test_another_session_begins_anew(box: Box) -> None:
    for _ in range(3):
        box.half_a_minute(active=0, bitrate=0)
    assert box.collect()["reliability_percent"] == 0
    box.now_ms += 20_000
    box.began_ms = box.now_ms
    first = box.half_a_minute()
    assert "reliability_percent" not in first
    # What the one before did in the same minute is not held against it.
    assert (first["health_score"], first["stability_index"]) == (100, 100)
    assert box.half_a_minute()["reliability_percent"] == 100


def test_no_stream_no_data(box: Box) -> None:
    with pytest.raises(NoData, match=r"stream\.session has not told"):
        box.collect()
    box.half_a_minute()
    box.now_ms += 1000
    box.give("stream.session", stream__live=0)
    with pytest.raises(NoData, match="no stream is live"):
        box.collect()
    box.half_a_minute()
    box.now_ms += stream_health.WINDOW_MS + 1  # nothing was collected since
    with pytest.raises(NoData, match=r"stream\.session has not told"):
        box.collect()
    box.half_a_minute()
    box.boot = "boot-2"  # in the same minute, as clocks have it
    with pytest.raises(NoData, match=r"stream\.session has not told"):
        box.collect()
    with pytest.raises(NoData, match="no database"):
        stream_health.collect(World())


def live(box: Box) -> None:
    box.now_ms += 10_000
    box.give("stream.session", stream__live=1, stream__uptime_seconds=(box.now_ms - box.began_ms) / 1000)


def test_of_a_box_that_tells_little_little_is_told(box: Box) -> None:
    """A stock BELABOX without the page of a relay: no loss, no round trip, so no latency."""
    for _ in range(3):
        live(box)
    assert box.collect() == {}
    box.give("encoder", encoder__frame_rate_fps=30)
    assert box.collect() == {"part.frame_rate": 1}
    box.give("stream.links", stream__links=3, stream__links_active=3, stream__bitrate_kbps=5000)
    found = box.collect()
    assert found["health_score"] == 100
    assert "stability_index" not in found
    assert "latency_seconds" not in found


def test_the_latency_of_the_sender_where_the_relay_does_not_tell(box: Box) -> None:
    live(box)
    with box.store.writing() as connection:
        session = Session("a" * 36, WALL + box.began_ms, '{"latency_ms":1500}')
        sessions.apply(connection, SessionChange(session), box.moment)
    assert recent.latency_ms(box.store.connection()) == 1500
    box.give("encoder", encoder__frame_rate_fps=50)
    box.give("stream.links", stream__link_rtt_ms=(100, {"link": "0"}))
    assert box.collect()["latency_seconds"] == 1.59


def test_of_several_links_the_mean_of_each_moment(box: Box) -> None:
    live(box)
    for link, value in (("0", 100), ("1", 900)):
        box.give("stream.links", stream__link_rtt_ms=(value, {"link": link}))
    assert box.collect()["part.round_trip"] == 0.5


def test_however_much_there_is_little_is_read(box: Box) -> None:
    for _ in range(recent.MOST + 50):
        box.give("stream.session", stream__live=1)
    found = recent.readings(box.store.connection(), ("stream.session",), box.moment, 60_000)
    assert len(found) == recent.MOST


@given(st.text() | st.lists(st.integers(-5, 10**18).map(str), max_size=5).map(" ".join))
def test_a_state_of_another_version_is_none(state: str) -> None:
    kept = stream_health._remembered(state)
    assert kept is None or len(state.split(" ")) == 4
