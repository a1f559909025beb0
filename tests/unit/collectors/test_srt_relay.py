from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Callable, Union

import pytest

from belabox_metrics import clock
from belabox_metrics.collectors import srt_packet_loss, srt_relay
from belabox_metrics.config import configuration
from belabox_metrics.errors import ConfigProblem, SourceProblem, TryLater
from belabox_metrics.srt import arrival
from belabox_metrics.world import Reading, World, defaults

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

Serve = Callable[[Union[bytes, Callable[[socket.socket], None]]], str]
SECRET = "/tell-nobody"
SHIPPED = Path(__file__).parents[3] / "configs/config.yaml"


def world(url: str, state: str = "", elapsed_ms: int | None = 5000) -> World:
    return World("", {**defaults(srt_relay.SETTINGS), "url": url}, state, elapsed_ms)


def values(reading: Reading) -> dict[str, object]:
    found: dict[str, object] = {sample.name: sample.value for sample in reading.samples}
    assert len(found) == len(reading.samples), "a series twice"
    return found


def http(body: object) -> bytes:
    data = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data


class Relay:
    """Answers with the next of its `publishers` each time it is asked; counts how often that was."""

    def __init__(self, serve: Serve, publishers: list[dict[str, Any] | None]) -> None:
        self.asked = 0
        self._left = iter(publishers)
        self.url = serve(self._answer) + SECRET

    def _answer(self, connection: socket.socket) -> None:
        connection.recv(65536)
        self.asked += 1
        stream = next(self._left)
        connection.sendall(http({"publishers": {"live": stream} if stream else {}, "status": "ok"}))


KINDS: dict[str, tuple[str | None, dict[str, object]]] = {
    "irlserver-stats-current": ("irl_srt_server", {"srt.viewer_backlog_bytes": 2444, "srt.buffer_percent": 99.9}),
    "irlserver-stats-older": ("irl_srt_server", {"srt.buffer_percent": 91.0}),
    "openirl-stats-legacy": ("irl_srt_server", {"srt.packets_lost_total": 78458, "srt.uptime_seconds": 1036}),
    "openirl-stats": ("openirl", {"srt.buffer_percent": 99.8, "srt.latency_ms": 2000}),
    "belabox-cloud-stats": ("belabox_cloud", {"srt.rtt_ms": 44.6, "srt.packets_dropped_total": 0}),
    "irlserver-stats-no-publisher": (None, {"srt.connected": 0}),
    "openirl-stats-offline": (None, {"srt.connected": 0}),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_relay_of_each_kind(name: str, fixtures: Path, serve: Serve) -> None:
    body = (fixtures / f"sls/{name}.json").read_bytes()
    url = serve(b"HTTP/1.0 200 OK\r\n\r\n" + body)
    reading = srt_relay.collect(world(url))
    kind, some = KINDS[name]
    assert [sample.tags for sample in reading.samples if sample.name == "srt.relay_info"] == (
        [{"kind": kind}] if kind else []
    )
    assert values(reading).items() >= some.items()
    # All that the small one gives of it, and as the same series.
    settings = {**defaults(srt_packet_loss.SETTINGS), "url": url}
    small = srt_packet_loss.collect(World("", settings, "", 5000))
    assert values(reading).items() >= values(small).items()


def stream(uptime: int, **counters: int) -> dict[str, Any]:
    said: dict[str, Any] = {"bitrate": 5264, "uptime": uptime, "rtt": 40, "latency": 2000, "msRcvBuf": 1900}
    return {**said, "pktRcvLoss": 0, "bytesRcvLoss": 0, "pktRcvDrop": 0, "pktRcvRetrans": 0, **counters}


def test_shares_between_two_runs(serve: Serve) -> None:
    """5264 kbit/s for five seconds are 2500 packets of 1316 bytes."""
    told = [
        stream(10),
        stream(15, pktRcvDrop=25, pktRcvRetrans=50, pktRcvLoss=60, bytesRcvLoss=60 * 1360),
        stream(20, pktRcvDrop=25, pktRcvRetrans=50, pktRcvLoss=60, bytesRcvLoss=60 * 1360),
        None,
        stream(3),
        stream(1, pktRcvDrop=9),
        stream(6, pktRcvDrop=9),
    ]
    relay, state, rows = Relay(serve, [*told]), "", []
    names = ("drop_percent", "retransmit_percent", "packet_loss_percent", "reconnects_total")
    for _ in told:
        reading = srt_relay.collect(world(relay.url, state))
        state = reading.state
        found = values(reading)
        rows.append([found.get(f"srt.{name}") for name in names])
        assert SECRET not in state
    assert rows == [
        [None, None, None, 0],
        [0.99, 2.0, 2.4, 0],
        [0.0, 0.0, 0.0, 0],
        [None, None, None, 0],
        [None, None, None, 1],  # back after it was gone
        [None, None, None, 2],  # back so soon that no run saw it gone
        [0.0, 0.0, 0.0, 2],
    ]


def test_an_answer_that_was_long_in_coming_is_of_a_longer_time(serve: Serve) -> None:
    """Runs five seconds apart with the same share of drops: the second answer came 2.5 s after its run began."""
    told = [stream(10), stream(17, pktRcvDrop=38), stream(20, pktRcvDrop=51)]
    relay, state, shares = Relay(serve, [*told]), "", []
    for late_ms in (0, 2500, 0):
        at = world(relay.url, state)
        now = clock.now()
        at.moment = clock.Moment(now.wall_ms, now.boottime_ms - late_ms, now.boot_id, False)
        reading = srt_relay.collect(at)
        state = reading.state
        shares.append(values(reading).get("srt.drop_percent"))
    assert shares == [None, pytest.approx(1, abs=0.1), pytest.approx(1, abs=0.1)]


def test_a_stream_that_came_back_while_the_relay_could_not_be_asked(serve: Serve) -> None:
    """For a minute no answer came, and the connection that is there now is of twenty seconds ago."""
    told = [stream(15, pktRcvDrop=2), stream(20, pktRcvDrop=40), stream(25, pktRcvDrop=40)]
    relay, state, rows = Relay(serve, [*told]), "", []
    for elapsed_ms in (5_000, 60_000, 5_000):
        reading = srt_relay.collect(world(relay.url, state, elapsed_ms))
        state = reading.state
        rows.append([values(reading).get(f"srt.{name}") for name in ("drop_percent", "reconnects_total")])
    assert rows == [[None, 0], [None, 1], [0.0, 1]]


@pytest.mark.parametrize(
    ("before", "now", "elapsed_ms", "expected"),
    [
        # a relay that tells drops alone, by the other name
        ({"bitrate": 5264, "dropped_pkts": 1}, {"bitrate": 5264, "dropped_pkts": 26}, 5000, {"srt.drop_percent": 0.99}),
        # counters that went back, and such as only one reading has
        ({"bitrate": 5264, "dropped_pkts": 5}, {"bitrate": 5264, "dropped_pkts": 4}, 5000, {}),
        ({"bitrate": 5264}, {"bitrate": 5264, "pktRcvRetrans": 4}, 5000, {}),
        # no time, too long a time, no bitrate
        ({"bitrate": 5264, "dropped_pkts": 0}, {"bitrate": 5264, "dropped_pkts": 9}, 0, {}),
        ({"bitrate": 5264, "dropped_pkts": 0}, {"bitrate": 5264, "dropped_pkts": 9}, 600_000, {}),
        ({"dropped_pkts": 0}, {"bitrate": 5264, "dropped_pkts": 9}, 5000, {}),
        # nothing arrived: what was dropped was all; a repetition of nothing is no share
        ({"bitrate": 0, "dropped_pkts": 0}, {"bitrate": 0, "dropped_pkts": 9}, 5000, {"srt.drop_percent": 100.0}),
        ({"bitrate": 0, "pktRcvRetrans": 0}, {"bitrate": 0, "pktRcvRetrans": 9}, 5000, {}),
        (
            {"bitrate": 1, "pktRcvRetrans": 0},
            {"bitrate": 1, "pktRcvRetrans": 9999},
            5000,
            {"srt.retransmit_percent": 100.0},
        ),
        # no latency agreed on: nothing to be full of
        ({}, {"msRcvBuf": 5, "latency": 0}, 5000, {}),
    ],
)
def test_shares(before: dict[str, Any], now: dict[str, Any], elapsed_ms: int, expected: dict[str, float]) -> None:
    assert {sample.name: sample.value for sample in arrival.shares(before, now, elapsed_ms)} == expected


@given(st.dictionaries(st.sampled_from(arrival.MARKED), st.integers(0, 2**63 - 1) | st.floats(0, 2**62)), st.data())
def test_shares_are_shares(before: dict[str, Any], data: st.DataObject) -> None:
    now: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(arrival.MARKED), st.integers(0, 2**63 - 1)))
    for sample in arrival.shares(before, now, data.draw(st.integers(-5, 10**6))):
        assert isinstance(sample.value, (int, float))
        assert 0 <= sample.value <= 100


@given(st.text())
def test_a_state_of_another_version_is_none(state: str) -> None:
    memory = srt_relay.Memory.of(state)
    assert srt_relay.Memory.of(memory.text()).text() == memory.text()


def test_what_fails_is_said_without_the_url(serve: Serve) -> None:
    with pytest.raises(SourceProblem) as refused:
        srt_relay.collect(world(serve(http({"status": "error"})) + SECRET))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TryLater) as gone:
        srt_relay.collect(world(f"http://127.0.0.1:{port}{SECRET}"))
    with pytest.raises(ConfigProblem) as none:
        srt_relay.collect(world("tell-nobody"))
    assert "tell-nobody" not in f"{refused.value} {gone.value} {none.value}"


RELAY = "{url: 'http://relay.example:8181/stats'}"


@pytest.mark.parametrize(
    ("small", "large", "reasons"),
    [
        ("{}", "{}", {"srt.packet_loss": "neither url nor file is configured", "srt.relay": "no url is configured"}),
        (RELAY, "{}", {"srt.packet_loss": "", "srt.relay": "no url is configured"}),
        (RELAY, RELAY, {"srt.packet_loss": "srt.relay takes its place", "srt.relay": ""}),
        ("{}", RELAY, {"srt.packet_loss": "neither url nor file is configured", "srt.relay": ""}),
        (RELAY, f"{RELAY}, enabled: false", {"srt.packet_loss": "", "srt.relay": "disabled"}),
        (f"{RELAY}, enabled: false", RELAY, {"srt.packet_loss": "disabled", "srt.relay": ""}),
    ],
)
def test_one_of_the_two_asks_the_relay_and_judges(
    small: str, large: str, reasons: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    entries = "".join(
        f"  - {{name: {name}, interval: 5s, config: {said}}}\n"
        for name, said in (("srt.packet_loss", small), ("srt.relay", large))
    )
    path.write_text(f"device: {{id: box}}\nmetrics:\n{entries}")
    found = configuration.load(str(path))
    assert {metric.name: metric.reason for metric in found.metrics} == reasons
    asks = [name for name, reason in reasons.items() if not reason]
    assert len(asks) <= 1
    watching = {row[0] for row in found.settings() if row[1] == "watch" and "srt.packet_loss_percent" in str(row[3])}
    assert {f"metrics/{name}" for name in asks} <= watching


def test_an_old_configuration_goes_on_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"device: {{id: box}}\nmetrics:\n  - {{name: srt.packet_loss, interval: 5s, config: {RELAY}}}\n")
    (metric,) = configuration.load(str(path)).metrics
    assert metric.scheduled
