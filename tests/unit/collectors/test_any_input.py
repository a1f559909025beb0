"""Parsers against text that nobody thought of."""

from __future__ import annotations

from contextlib import suppress

import pytest

from belabox_metrics.collectors import cpu_temperature, cpu_usage, disk_io, memory_usage, network_traffic
from belabox_metrics.errors import NoData, Problem, SourceProblem
from belabox_metrics.http_get import Url, parse_head
from belabox_metrics.json_text import parse as parse_json
from belabox_metrics.sample import canonical
from belabox_metrics.selection import Selection
from belabox_metrics.srt import live_transmit, relay, srtla_telemetry

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

texts = st.text()
# Words that almost make a table.
tables = st.lists(
    st.one_of(
        st.sampled_from(["cpu0", "cpu1", "sda", "eth0:", "MemTotal:", "MemAvailable:", "kB", " ", "\n", "|", ":"]),
        st.integers(-2, 2**65).map(str),
        st.text(max_size=3),
    )
).map(" ".join)
KEYS = [
    *("publishers", "publisher", "status", "message", "bitrate", "uptime", "bytesRcvLoss", "pktRcvLoss"),
    *("sid", "time", "recv", "send", "link", "bytes", "mbitRate", "packetsUnique", "packetsDropped", "rtt"),
    *("connections", "conn_id", "schema_version", "bitrate_bps", "rtt_ms", "live"),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=20,
)


@given(texts | tables)
def test_tables(text: str) -> None:
    for end in ("", "\n"):
        with suppress(SourceProblem):
            assert all(min(ticks) >= 0 for ticks in cpu_usage.parse(text + end).values())
        with suppress(SourceProblem):
            assert min(memory_usage.parse(text + end).values()) >= 0
        with suppress(SourceProblem):
            disk_io.parse("8 0 sda " + text + end, Selection(["sd[a-z]"], []))
        with suppress(SourceProblem):
            network_traffic.parse(HEAD + text + end, Selection([], []))
        with suppress(SourceProblem):
            assert -60 <= cpu_temperature.parse(cpu_temperature.Zone("thermal_zone0", "soc", text + end)) <= 250
        network_traffic.Memory.of(text + end).text()


HEAD = "Inter-| Receive\n face |bytes packets errs drop\n"

readings = st.lists(st.integers(0, 2**64 - 1), min_size=8, max_size=8)


@given(readings, readings)
def test_a_percentage_of_a_core_is_a_percentage(before: list[int], now: list[int]) -> None:
    ticks = cpu_usage.spent(before, now)
    assert ticks is None or 0 <= ticks[0] <= ticks[1]


@given(st.dictionaries(texts, texts))
def test_tags_are_json(tags: dict[str, str]) -> None:
    line = canonical(tags)
    assert line == "" if not tags else isinstance(parse_json(line), dict)


@given(st.lists(texts), texts)
def test_a_selection_forgets_nothing(names: list[str], memo: str) -> None:
    first = Selection([], ["a.*"], memo)
    verdicts = [first.takes(name) for name in names]
    second = Selection([], ["a.*"], first.remember())
    assert [second.takes(name) for name in names] == verdicts


@given(texts)
def test_urls_and_heads(text: str) -> None:
    for url in (text, "http://" + text, "https://host:" + text, "http://host/" + text, "http://[" + text):
        try:
            taken = Url(url)
        except Problem:
            continue
        assert taken.host.isascii()
        assert 0 < taken.port < 65536
        assert taken.target.isprintable()
        assert " " not in taken.target
    with suppress(Problem):
        parse_head(text.encode("utf-8", "replace"), "host")
    with suppress(Problem):
        parse_head(b"HTTP/1.1 200 OK\r\n" + text.encode("utf-8", "replace"), "host")


@given(json_values, json_values)
def test_statistics(one: object, other: object) -> None:
    import json

    for document in (one, {"status": "ok", "publishers": {"live": one}}, {"publisher": one}):
        with suppress(SourceProblem):
            found = relay.parse(json.dumps(document), "host")
            for sample in relay.collect(found):
                assert isinstance(sample.value, (int, float))
                assert 0 <= sample.value < 2**63
            assert relay.marked(relay.mark(found or {})) == {
                key: value for key, value in (found or {}).items() if key in relay.MARKED
            }
            percent = relay.loss_percent(found or {}, {"bitrate": 5, "bytesRcvLoss": 2**62, "uptime": 2**62}, 5000)
            assert percent is None or 0 <= percent <= 100
    for document in (one, {"connections": one}, {"connections": [one, other]}):
        with suppress(SourceProblem):
            srtla_telemetry.collect(document, "/tmp/file")
    lines = "".join(
        json.dumps({"sid": 1, "time": 1000 * at, "recv": half, "send": other, "link": other}) + "\n"
        for at, half in enumerate((one, other, one))
    )
    for text in (json.dumps(one) + "\n", json.dumps(one) + "\n" + lines, lines):
        with suppress(SourceProblem, NoData):
            for sample in live_transmit.collect(live_transmit.parse(text, "/tmp/file"), "1 0"):
                assert isinstance(sample.value, (int, float))
                assert 0 <= sample.value < 2**63
                assert not sample.name.endswith("_percent") or sample.value <= 100
