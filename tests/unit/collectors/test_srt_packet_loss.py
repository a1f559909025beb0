from __future__ import annotations

import csv
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any, Callable, Union

import pytest

from belabox_metrics.collectors import srt_packet_loss
from belabox_metrics.errors import ConfigProblem, NoData, SourceProblem, TryLater
from belabox_metrics.sample import Sample
from belabox_metrics.srt import live_transmit, relay, srtla_telemetry
from belabox_metrics.world import Reading, World, defaults

Serve = Callable[[Union[bytes, Callable[[socket.socket], None]]], str]
SECRET = "/tell-nobody"
NOW = 1_760_364_000_000


def world(root: str = "", state: str = "", elapsed_ms: int | None = 5000, **settings: object) -> World:
    return World(root, {**defaults(srt_packet_loss.SETTINGS), **settings}, state, elapsed_ms, NOW)


def values(samples: list[Sample]) -> dict[str, object]:
    assert len({(sample.name, str(sample.tags)) for sample in samples}) == len(samples)
    return {sample.name.replace("srt.", ""): sample.value for sample in samples}


def http(body: str | bytes) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data


def of_relay(text: str) -> dict[str, object]:
    return values(relay.collect(relay.parse(text, "relay")))


# The relay


RELAYS: dict[str, dict[str, object]] = {
    "irlserver-stats-current": {
        "connected": 1,
        "rtt_ms": 8.775,
        "bitrate_kbps": 7760,
        "latency_ms": 2000,
        "buffer_ms": 1998,
        "packets_lost_total": 0,
        "packets_dropped_total": 0,
        "bytes_lost_total": 0,
        "bytes_dropped_total": 0,
        "packets_retransmitted_total": 0,
        "naks_sent_total": 0,
        "discontinuities_total": 0,
        "receive_rate_mbps": 8.44003095190265,
        "bandwidth_mbps": 266.016,
        "uptime_seconds": 3,
    },
    "irlserver-stats-older": {
        "connected": 1,
        "rtt_ms": 12.702,
        "bitrate_kbps": 4962,
        "latency_ms": 200,
        "buffer_ms": 182,
        "packets_lost_total": 0,
        "packets_dropped_total": 0,
        "bytes_lost_total": 0,
        "bytes_dropped_total": 0,
        "receive_rate_mbps": 4.546,
        "bandwidth_mbps": 542.556,
        "uptime_seconds": 13,
    },
    "openirl-stats-legacy": {
        "connected": 1,
        "rtt_ms": 50.535,
        "bitrate_kbps": 3990,
        "latency_ms": 120,
        "buffer_ms": 1935,
        "packets_lost_total": 78458,
        "packets_dropped_total": 11,
        "bytes_lost_total": 106702880,
        "bytes_dropped_total": 14960,
        "receive_rate_mbps": 5.158,
        "bandwidth_mbps": 9.276,
        "uptime_seconds": 1036,
    },
    "openirl-stats": {
        "connected": 1,
        "rtt_ms": 44.6,
        "bitrate_kbps": 5933,
        "latency_ms": 2000,
        "buffer_ms": 1995,
        "packets_dropped_total": 0,
        "uptime_seconds": 3600,
    },
    "belabox-cloud-stats": {
        "connected": 1,
        "rtt_ms": 44.6,
        "bitrate_kbps": 5933,
        "packets_dropped_total": 0,
    },
    "irlserver-stats-no-publisher": {"connected": 0},
    "openirl-stats-offline": {"connected": 0},
}


@pytest.mark.parametrize("name", RELAYS)
def test_a_relay(name: str, fixtures: Path, serve: Serve) -> None:
    url = serve(http((fixtures / f"sls/{name}.json").read_bytes()))
    reading = srt_packet_loss.collect(world(url=url + SECRET))
    assert values(reading.samples) == RELAYS[name]
    assert reading.warnings == []
    assert len(reading.state) < 200


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"rtt": -1}, {"rtt_ms"}),
        ({"rtt": "12"}, {"rtt_ms"}),
        ({"rtt": None}, {"rtt_ms"}),
        ({"rtt": True}, {"rtt_ms"}),
        ({"rtt": []}, {"rtt_ms"}),
        ({"rtt": float("nan")}, {"rtt_ms"}),
        ({"rtt": float("inf")}, {"rtt_ms"}),
        ({"rtt": 10**400}, {"rtt_ms"}),
        ({"rtt": 2**63}, {"rtt_ms"}),
        ({"pktRcvLoss": -5, "bitrate": "fast"}, {"packets_lost_total", "bitrate_kbps"}),
        ({"unknown": 5}, set()),
    ],
)
def test_a_field_that_can_not_be_is_left_out(change: dict[str, object], left: set[str], fixtures: Path) -> None:
    answer = json.loads((fixtures / "sls/irlserver-stats-older.json").read_text())
    answer["publishers"]["publish/live/feed1"].update(change)
    expected = {name: value for name, value in RELAYS["irlserver-stats-older"].items() if name not in left}
    assert of_relay(json.dumps(answer)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not answer in JSON"),
        ("<html>404</html>", "does not answer in JSON"),
        ('{"publishers":{"live":{"bitrate":59', "does not answer in JSON"),
        ("[" * 60_000, "nested too deeply"),
        ("\\xff", "does not answer in JSON"),
        ("null", "JSON that is no statistics"),
        ("[]", "JSON that is no statistics"),
        ("{}", "JSON that is no statistics"),
        ('{"status":"ok"}', "JSON that is no statistics"),
        ('{"publishers":[]}', "JSON that is no statistics"),
        ('{"publishers":null,"status":"ok"}', "JSON that is no statistics"),
        ('{"publishers":{"live":5}}', "without any known number"),
        ('{"publishers":{"live":{}}}', "without any known number"),
        ('{"publishers":{"live":{"bitrate":"x"}}}', "without any known number"),
        ('{"publisher":null,"status":"ok"}', "without any known number"),
        ('{"publishers":{"a":{"bitrate":1},"b":{"bitrate":1}}}', "lists 2 publishers (name one in the URL"),
        ('{"message":"tell-nobody","status":"error"}', "answers with an error"),
        ('{"publishers":{},"status":{"a":1}}', "answers with an error"),
    ],
)
def test_a_relay_that_answers_something_else(text: str, says: str) -> None:
    with pytest.raises(SourceProblem) as caught:
        relay.parse(text, "relay")
    assert str(caught.value).startswith("relay: ")
    assert says in str(caught.value)
    assert "tell-nobody" not in str(caught.value)


def test_a_stream_that_ended_on_the_cloud() -> None:
    assert of_relay('{"publishers":{"live":{"bitrate":0,"rtt":0,"dropped_pkts":7}}}') == {"connected": 0}


def test_a_connection_without_a_bitrate_is_a_connection() -> None:
    assert of_relay('{"publisher":{"bitrate":0,"dropped_pkts":7,"uptime":9}}')["connected"] == 1


def state_of(**fields: int | float) -> dict[str, Any]:
    return {"uptime": 100, "bitrate": 5000, "pktRcvLoss": 0, "bytesRcvLoss": 0, **fields}


@pytest.mark.parametrize(
    ("before", "now", "elapsed_ms", "expected"),
    [
        # 5000 kbit/s for 5 s are 3125000 bytes delivered; 100 packets of 1316 + 44 bytes were lost on the way
        (state_of(), state_of(uptime=105, pktRcvLoss=100, bytesRcvLoss=136_000), 5000, 4.211),
        (state_of(), state_of(uptime=105), 5000, 0.0),
        # twice the time, half the share
        (state_of(), state_of(uptime=110, pktRcvLoss=100, bytesRcvLoss=136_000), 10_000, 2.106),
        # what was dropped was sent as well
        (
            state_of(pktRcvDrop=0, bytesRcvDrop=0),
            state_of(uptime=105, pktRcvLoss=100, bytesRcvLoss=136_000, pktRcvDrop=100, bytesRcvDrop=136_000),
            5000,
            4.041,
        ),
        # the mean of two bitrates
        (state_of(bitrate=0), state_of(uptime=105, pktRcvLoss=10, bytesRcvLoss=13_600), 5000, 0.842),
        (state_of(bitrate=0), state_of(bitrate=0, uptime=105, bytesRcvLoss=5), 5000, None),
        # more lost than can have been sent: still a percentage
        (state_of(bitrate=1), state_of(bitrate=1, uptime=105, bytesRcvLoss=10**9), 5000, 100.0),
        # another connection, whichever way it shows
        (state_of(), state_of(uptime=3), 5000, None),
        (state_of(uptime=20), state_of(uptime=25, pktRcvLoss=100, bytesRcvLoss=136_000), 60_000, None),
        # no younger than an answer that came late makes it
        (state_of(), state_of(uptime=101, pktRcvLoss=100, bytesRcvLoss=136_000), 10_000, 2.106),
        # runs five seconds apart, whose answers came after 2.5 s and at once, and the other way round
        (state_of(late_ms=2500), state_of(uptime=102, pktRcvLoss=50, bytesRcvLoss=68_000, late_ms=0), 5000, 4.211),
        (state_of(late_ms=0), state_of(uptime=107, pktRcvLoss=150, bytesRcvLoss=204_000, late_ms=2500), 5000, 4.211),
        (state_of(late_ms=9000), state_of(uptime=105), 5000, None),
        (state_of(bytesRcvLoss=5), state_of(uptime=105, bytesRcvLoss=4), 5000, None),
        (state_of(pktRcvLoss=5), state_of(uptime=105, pktRcvLoss=4), 5000, None),
        ({}, state_of(), 5000, None),
        (state_of(), {"bitrate": 5000}, 5000, None),
        (state_of(), state_of(uptime=105), 0, None),
        (state_of(), state_of(uptime=105), 600_000, None),
        (state_of(), state_of(uptime=105), -1, None),
    ],
)
def test_the_estimate(before: dict[str, Any], now: dict[str, Any], elapsed_ms: int, expected: float | None) -> None:
    assert relay.loss_percent(before, now, elapsed_ms) == expected


def test_two_runs_against_a_relay(serve: Serve) -> None:
    answers = [
        {"bitrate": 5000, "bytesRcvLoss": 0, "pktRcvLoss": 0, "uptime": 10},
        {"bitrate": 5000, "bytesRcvLoss": 136_000, "pktRcvLoss": 100, "uptime": 15},
        None,
        {"bitrate": 5000, "bytesRcvLoss": 136_000, "pktRcvLoss": 100, "uptime": 25},
        {"bitrate": 5000, "bytesRcvLoss": 136_000, "pktRcvLoss": 100, "uptime": 30},
    ]
    left = iter(answers)

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        stream = next(left)
        body = {"publishers": {"live": stream} if stream else {}, "status": "ok"}
        connection.sendall(http(json.dumps(body)))

    url, state, seen = serve(answer) + SECRET, "", []
    for _ in answers:
        reading = srt_packet_loss.collect(world(state=state, url=url))
        state = reading.state
        seen.append(values(reading.samples).get("packet_loss_percent"))
        assert SECRET not in state
    assert seen == [None, 4.211, None, None, 0.0]


@pytest.mark.parametrize("line", ["", "1 2 3", "a b c d e f", "nan inf -1 1e999 x \u00b2 y", "- - - - - - -"])
def test_a_mark_of_another_version_is_none(line: str) -> None:
    assert relay.marked(line) == {}


def test_a_mark_is_read_back() -> None:
    found = state_of(bitrate=4990.5, bytesRcvLoss=2**60 + 1)
    assert relay.marked(relay.mark(found)) == found
    assert relay.marked(relay.mark({"bitrate": 1})) == {"bitrate": 1}


def test_a_relay_that_can_not_be_asked(serve: Serve) -> None:
    with pytest.raises(SourceProblem, match="HTTP 401"):
        srt_packet_loss.collect(world(url=serve(b"HTTP/1.1 401 Unauthorized\r\n\r\n") + SECRET))
    with pytest.raises(TryLater, match="HTTP 503"):
        srt_packet_loss.collect(world(url=serve(b"HTTP/1.1 503 Busy\r\n\r\n") + SECRET))


# The file


@pytest.fixture
def statistics(tmp_path: Path, fixtures: Path) -> Callable[..., World]:
    """statistics(name or text) -> a world whose file holds it, written a second ago."""

    def statistics(content: str, state: str = "", age_ms: int = 1000, url: str = "") -> World:
        file = tmp_path / "srt.json"
        if "/" in content and content.endswith(("json", "csv")):
            shutil.copyfile(fixtures / content, file)
        else:
            file.write_text(content)
        moment = (NOW - age_ms) * 1_000_000
        os.utime(file, ns=(moment, moment))
        return world(str(tmp_path), state, file="/srt.json", url=url)

    return statistics


Statistics = Callable[..., World]


def test_a_receiver(statistics: Statistics) -> None:
    reading = srt_packet_loss.collect(statistics("srt-live-transmit/rx-stats-loss2pct.json"))
    assert values(reading.samples) == {
        "connected": 1,
        "uptime_seconds": 18.14,
        "rtt_ms": 37.915,
        "bandwidth_mbps": 6082.2,
        "latency_ms": 300,
        "buffer_ms": 286,
        "receive_rate_mbps": 4.245,
        "packet_loss_percent": 1.205,  # 6 of 498
    }


def test_a_sender(statistics: Statistics) -> None:
    reading = srt_packet_loss.collect(statistics("srt-live-transmit/tx-stats-loss2pct.json"))
    assert values(reading.samples) == {
        "connected": 1,
        "uptime_seconds": 17.88,
        "rtt_ms": 38.447,
        "bandwidth_mbps": 1963.19,
        "buffer_ms": 36,
        "send_rate_mbps": 4.403,
        "retransmit_percent": 2.584,  # 13 of 503
    }


def test_all_reports_since_the_last_run_count(statistics: Statistics, fixtures: Path) -> None:
    """The connection lost 2 % by construction; one report in fourteen would not show it."""
    name = "srt-live-transmit/rx-stats-loss2pct.json"
    lines = (fixtures / name).read_text().splitlines(keepends=True)
    first = srt_packet_loss.collect(statistics("".join(lines[:1])))
    second = srt_packet_loss.collect(statistics(name, first.state))
    parts = [json.loads(line)["recv"] for line in lines[1:]]
    lost = sum(part["packetsLost"] for part in parts)
    sent = sum(part["packetsUnique"] for part in parts)
    assert values(second.samples)["packet_loss_percent"] == round(100 * lost / sent, 3) == 2.124
    third = srt_packet_loss.collect(statistics(name, second.state))
    assert "packet_loss_percent" not in values(third.samples), "nothing new, so no rate"
    assert values(third.samples)["rtt_ms"] == 37.915


def full(fixtures: Path, side: str) -> list[str]:
    """The real CSV of a run with -f, as the lines -pf json would have written."""
    names = {
        "send": {"bytes": "byteSent", "mbitRate": "mbpsSendRate", "packetsUnique": "pktSentUnique"}
        | {
            "packetsRetransmitted": "pktRetrans",
            "packetsDropped": "pktSndDrop",
            "bytesDropped": "byteSndDrop",
        },
        "recv": {"bytes": "byteRecv", "mbitRate": "mbpsRecvRate", "packetsUnique": "pktRecvUnique"}
        | {"packetsLost": "pktRcvLoss", "packetsDropped": "pktRcvDrop", "bytesLost": "byteRcvLoss"}
        | {"packetsRetransmitted": "pktRcvRetrans", "bytesDropped": "byteRcvDrop", "msBuf": "msRcvBuf"},
        "link": {"rtt": "msRTT"},
    }
    with (fixtures / f"srt-live-transmit/{side}-stats-full.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [
        json.dumps(
            {"sid": int(row["SocketID"]), "time": int(row["Time"])}
            | {part: {to: float(row[name]) for to, name in fields.items()} for part, fields in names.items()}
        )
        + "\n"
        for row in rows
    ]


def test_counters_since_the_connection_was_made(statistics: Statistics, fixtures: Path) -> None:
    lines = full(fixtures, "rx")
    reading = srt_packet_loss.collect(statistics("".join(lines)))
    last, before = json.loads(lines[-1]), json.loads(lines[-2])
    found = values(reading.samples)
    assert found["packets_lost_total"] == last["recv"]["packetsLost"] == 0
    assert found["bytes_dropped_total"] == 0
    assert found["packet_loss_percent"] == 0.0
    passed = last["time"] - before["time"]
    carried = last["recv"]["bytes"] - before["recv"]["bytes"]
    assert found["receive_rate_mbps"] == round(carried * 8 / passed / 1000, 3)
    sender = values(srt_packet_loss.collect(statistics("".join(full(fixtures, "tx")))).samples)
    assert sender["packets_retransmitted_total"] == 0
    assert "packets_lost_total" not in sender


def test_counters_of_one_report_after_another_are_no_totals(statistics: Statistics) -> None:
    found = values(srt_packet_loss.collect(statistics("srt-live-transmit/rx-stats.json")).samples)
    assert not [name for name in found if name.endswith("_total")]


def report(time: int, lost: int = 0, socket: int = 7, **recv: object) -> str:
    half = {
        "bytes": 1000,
        "mbitRate": 1,
        "packetsUnique": 100,
        "packetsLost": lost,
        "packetsDropped": 0,
        **recv,
    }
    return json.dumps({"sid": socket, "time": time, "link": {"rtt": 5}, "send": {"bytes": 0}, "recv": half}) + "\n"


@pytest.mark.parametrize(
    ("text", "state", "expected"),
    [
        (report(1000, 1) + report(2000, 2), "", 2.0),
        (report(1000, 1) + report(2000, 2), "7 500", 1.5),
        (report(1000, 1) + report(2000, 2), "7 1000", 2.0),
        (report(1000, 1) + report(2000, 2), "8 0", 2.0),
        (report(1000, 1) + report(2000, 2), "7 x", 2.0),
        (report(1000, 1) + report(2000, 2), "7 2000", None),
        # another socket, or the file begun again
        (report(9000, 50, socket=6) + report(1000, 2), "", 2.0),
        (report(9000, 50) + report(1000, 2), "7 0", 2.0),
        (report(500, 50, socket=6) + report(1000, 2), "7 0", 2.0),
        # counters since the connection was made (the rate says so), going on and gone back
        (report(1000, 5, bytes=125_000) + report(2000, 8, bytes=250_000, packetsUnique=200), "", 3.0),
        (report(1000, 5, bytes=125_000) + report(2000, 3, bytes=250_000, packetsUnique=200), "", None),
        # the beginning was cut off, the end is not written yet
        (report(0, 90)[20:] + report(1000, 1) + report(2000, 2)[:-9], "", 1.0),
        (report(1000, 1) + "\n \n", "", 1.0),
        (report(1000, 30, packetsUnique=20, packetsDropped=80), "", 30.0),
        (report(1000, 300), "", 100.0),
        (report(1000, 1, packetsUnique=-1), "", None),
        (report(1000, 1, packetsUnique=0), "", None),
        (report(1000, 1, packetsDropped="x"), "", None),
        (report(1000, 1, mbitRate=0), "", 1.0),
        (report(1000, 1, packetsLost=None), "", None),
    ],
)
def test_which_reports_count(text: str, state: str, expected: float | None) -> None:
    found = values(live_transmit.collect(live_transmit.parse(text, "/x"), state))
    assert found["connected"] == 1
    assert found.get("packet_loss_percent") == expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("srt-live-transmit/rx-stats-full.csv", "is no statistics in JSON"),
        ("======= SRT STATS: sid=1\nPACKETS SENT: 1\n", "is no statistics in JSON"),
        ('{"sid":1}\n', "neither sid nor time"),
        ('{"bandwidth":1}\n', "neither sid nor time"),
        ('{\n\t"sid":1,\n}\n', "is no statistics in JSON"),
        ("[1,2]\n", "no JSON object"),
    ],
)
def test_a_file_of_something_else(statistics: Statistics, content: str, says: str) -> None:
    with pytest.raises(SourceProblem, match="srt-live-transmit needs -pf json") as caught:
        srt_packet_loss.collect(statistics(content))
    assert says in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n\n", '{"sid":1,"time":'])
def test_a_file_just_begun(statistics: Statistics, content: str) -> None:
    with pytest.raises(NoData, match="has no complete report yet"):
        srt_packet_loss.collect(statistics(content))


@pytest.mark.parametrize(("age_ms", "stale"), [(0, False), (15_000, False), (15_001, True), (-15_001, True)])
def test_a_stale_file(statistics: Statistics, age_ms: int, stale: bool) -> None:
    there = statistics("srt-live-transmit/rx-stats.json", age_ms=age_ms)
    if stale:
        with pytest.raises(NoData, match=r"statistics are stale, not written for more than 15 s"):
            srt_packet_loss.collect(there)
    else:
        assert srt_packet_loss.collect(there).samples


def test_a_long_file_is_read_from_its_end(statistics: Statistics) -> None:
    text = "".join(report(at * 1000, lost=at % 3) for at in range(20_000))
    assert len(text) > 20 * srt_packet_loss.TAIL
    reading = srt_packet_loss.collect(statistics(text))
    assert values(reading.samples)["uptime_seconds"] == 19_999.0
    assert reading.state == "\n7 19999000\n"


# The bonding sender


def test_links(statistics: Statistics) -> None:
    reading = srt_packet_loss.collect(statistics("srtla-telemetry/ceralive-stats-file.json"))
    first, second = {"link": "0"}, {"link": "1"}
    assert reading.samples == [
        Sample("srt.links", 2),
        Sample("srt.link_rtt_ms", 42, first),
        Sample("srt.link_bitrate_kbps", 2500.0, first),
        Sample("srt.link_naks_total", 3, first),
        Sample("srt.link_weight_percent", 85, first),
        Sample("srt.link_window_packets", 8192, first),
        Sample("srt.link_in_flight_packets", 100, first),
        Sample("srt.link_rtt_ms", 73, second),
        Sample("srt.link_bitrate_kbps", 1200.0, second),
        Sample("srt.link_naks_total", 11, second),
        Sample("srt.link_weight_percent", 55, second),
        Sample("srt.link_window_packets", 4096, second),
        Sample("srt.link_in_flight_packets", 240, second),
    ]


def test_a_sender_without_links(statistics: Statistics) -> None:
    reading = srt_packet_loss.collect(statistics('{"schema_version":1,"connections":[]}'))
    assert reading.samples == [Sample("srt.links", 0)]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"schema_version": 2, "connections": []}, "version"),
        ({"connections": [5]}, "a link without a name"),
        ({"connections": [{}]}, "a link without a name"),
        ({"connections": [{"conn_id": 1}]}, "a link without a name"),
        ({"connections": [{"conn_id": ""}]}, "a link without a name"),
        ({"connections": [{"conn_id": "x" * 33}]}, "a link without a name"),
        ({"connections": [{"conn_id": "0"}, {"conn_id": "0"}]}, "a link without a name of its own"),
        ({"connections": [{"conn_id": str(at)} for at in range(33)]}, "more than 32 links"),
    ],
)
def test_links_that_can_not_be(document: dict[str, object], says: str) -> None:
    with pytest.raises(SourceProblem, match=says):
        srtla_telemetry.collect(document, "/x")


def test_a_link_keeps_what_can_be() -> None:
    link = {"conn_id": '"', "rtt_ms": -1, "nak_count": "3", "window": -5, "in_flight": 7, "bitrate_bps": None}
    assert srtla_telemetry.collect({"connections": [link]}, "/x") == [
        Sample("srt.links", 1),
        Sample("srt.link_in_flight_packets", 7, {"link": '"'}),
    ]


# Both


def test_without_a_source() -> None:
    assert srt_packet_loss.not_scheduled(defaults(srt_packet_loss.SETTINGS)) == "neither url nor file is configured"
    assert srt_packet_loss.not_scheduled({"url": "http://x/", "file": ""}) == ""
    assert srt_packet_loss.not_scheduled({"url": "", "file": "/x"}) == ""
    with pytest.raises(NoData, match="neither url nor file"):
        srt_packet_loss.collect(world())


def test_the_relay_is_right_about_what_both_tell(statistics: Statistics, serve: Serve) -> None:
    url = serve(http('{"publisher":{"bitrate":4000,"rtt":99,"uptime":5}}'))
    found = values(srt_packet_loss.collect(statistics("srt-live-transmit/tx-stats.json", url=url)).samples)
    assert (found["rtt_ms"], found["uptime_seconds"], found["bitrate_kbps"]) == (99, 5, 4000)
    assert "retransmit_percent" in found


def test_a_url_that_is_none_is_no_mere_warning(statistics: Statistics) -> None:
    with pytest.raises(ConfigProblem) as caught:
        srt_packet_loss.collect(statistics("srtla-telemetry/ceralive-stats-file.json", url="relay" + SECRET))
    assert SECRET not in str(caught.value)


def test_one_of_two_may_fail_and_is_named_once(statistics: Statistics, serve: Serve) -> None:
    def run(name: str, answer: bytes, state: str, age_ms: int) -> Reading:
        return srt_packet_loss.collect(statistics(name, state, age_ms, url=serve(answer) + SECRET))

    name, good, bad = "srtla-telemetry/ceralive-stats-file.json", http('{"publisher":{"rtt":9}}'), http("{}")
    reading = run(name, good, "", 0)
    assert reading.warnings == []
    reading = run(name, bad, reading.state, 0)
    assert reading.warnings == ["127.0.0.1: answers in JSON that is no statistics"]
    reading = run(name, bad, reading.state, 0)
    assert reading.warnings == []
    reading = run(name, good, reading.state, 99_000)
    assert len(reading.warnings) == 1
    assert "statistics are stale" in reading.warnings[0]
    assert values(reading.samples) == {"connected": 1, "rtt_ms": 9}
    reading = run(name, good, reading.state, 0)
    assert reading.warnings == []
    with pytest.raises(SourceProblem, match="no statistics"):
        run(name, bad, reading.state, 99_000)
