"""What goes over the wire, byte for byte, and that no input makes a body which a server would drop in silence."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import snappy

from belabox_metrics.errors import ConfigProblem
from belabox_metrics.receiver import document
from belabox_metrics.receiver import lines as import_lines
from belabox_metrics.receiver.content import Content
from belabox_metrics.store.queue import PendingRun, Series
from belabox_metrics.upload.formats.choose import NAMES, format_of
from belabox_metrics.upload.formats.refusal import AHEAD_MS, EARLIEST_MS, LAST_MS, never_kept, refusal
from belabox_metrics.upload.formats.remote_write import RemoteWrite

LIB = Path(__file__).parents[3] / "lib"
AT = 1_760_193_000_123  # 2025-10-11T14:30:00.123Z
SESSION = "550e8400-e29b-41d4-a716-446655440000"
SHAPES: dict[int, list[Series]] = {
    1: [("cpu.usage_percent", '{"core":"all"}'), ("cpu.usage_percent", '{"core":"cpu0"}')],
    2: [("srt.rtt_ms", "")],
}
# (labels, [(value, timestamp)])
OneSeries = tuple[list[tuple[str, str]], list[tuple[float, int]]]
NAN, INF = float("nan"), float("inf")
HUGE = 10**400


def run(at: int, *numbers: float, shape: int = 1, session: str = "") -> PendingRun:
    return PendingRun(at, at, shape, list(enumerate(numbers)), session=session)


def body(name: str, chunk: list[PendingRun], shapes: dict[int, list[Series]] = SHAPES, device: str = "box") -> bytes:
    return format_of(name)(device, shapes, False).encode(chunk)


def lines(chunk: list[PendingRun], shapes: dict[int, list[Series]] = SHAPES, device: str = "box") -> list[Any]:
    return [json.loads(line) for line in body("victoriametrics", chunk, shapes, device).decode().splitlines()]


def written(chunk: list[PendingRun], shapes: dict[int, list[Series]] = SHAPES) -> list[OneSeries]:
    """A remote-write body as its receiver reads it: (labels in their order, [(value, timestamp)]) of each series."""
    series = []
    for field, message in fields(snappy.decompress(body("prometheus-remote-write", chunk, shapes))):
        assert field == 1
        labels = []
        samples = []
        for part, content in fields(message):
            inner = dict(fields(content))
            if part == 1:
                labels.append((inner[1].decode(), inner[2].decode()))
            else:
                samples.append((struct.unpack("<d", inner[1])[0], number(inner[2])))
        series.append((labels, samples))
    return series


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field; a varint as its bytes."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            end = varint(message, at)[1]
        elif key & 7 == 1:
            end = at + 8
        else:
            assert key & 7 == 2
            size, at = varint(message, at)
            end = at + size
        assert end <= len(message)
        yield key >> 3, message[at:end]
        at = end


def varint(message: bytes, at: int) -> tuple[int, int]:
    end = at
    while message[end] & 0x80:
        end += 1
    return number(message[at : end + 1]), end + 1


def number(content: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(content))


CHUNK = [run(AT + 1000, 46.5, 0), run(AT, 45.25, 2**53, session=SESSION), run(AT, 125, shape=2)]


def test_lines_are_series_with_their_values_in_the_order_of_time() -> None:
    assert lines(CHUNK) == [
        {
            "metric": {"__name__": "cpu_usage_percent", "device_id": "box", "core": "all"},
            "values": [45.25, 46.5],
            "timestamps": [AT, AT + 1000],
        },
        {
            "metric": {"__name__": "cpu_usage_percent", "device_id": "box", "core": "cpu0"},
            "values": [2**53, 0],
            "timestamps": [AT, AT + 1000],
        },
        {"metric": {"__name__": "srt_rtt_ms", "device_id": "box"}, "values": [125], "timestamps": [AT]},
    ]


def test_remote_write_is_series_with_their_labels_in_the_order_of_names() -> None:
    shapes: dict[int, list[Series]] = {1: [("a.b", '{"Zone":"1","x":"ü"}'), ("c", "")]}
    assert written([run(AT + 1, -1.5), run(AT, 2**63, 0)], shapes) == [
        ([("Zone", "1"), ("__name__", "a_b"), ("device_id", "box"), ("x", "ü")], [(2.0**63, AT), (-1.5, AT + 1)]),
        ([("__name__", "c"), ("device_id", "box")], [(0.0, AT)]),
    ]


def test_the_document_is_the_documented_one() -> None:
    assert json.loads(body("json", CHUNK[1:])) == {
        "session_id": SESSION,
        "device_id": "box",
        "timestamp": "2025-10-11T14:30:00.123Z",
        "metrics": [
            {
                "name": "cpu.usage_percent",
                "value": 45.25,
                "tags": {"core": "all"},
                "timestamp": "2025-10-11T14:30:00.123Z",
            },
            {
                "name": "cpu.usage_percent",
                "value": 2**53,
                "tags": {"core": "cpu0"},
                "timestamp": "2025-10-11T14:30:00.123Z",
            },
            {"name": "srt.rtt_ms", "value": 125, "tags": {}, "timestamp": "2025-10-11T14:30:00.123Z"},
        ],
    }


@pytest.mark.parametrize(
    ("timestamp_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        (LAST_MS, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_of_the_document_are_exact_to_the_millisecond(timestamp_ms: int, text: str) -> None:
    said = json.loads(body("json", [run(timestamp_ms, 1, shape=2)]))
    assert (said["timestamp"], said["metrics"][0]["timestamp"]) == (text, text)


def test_without_a_stream_the_document_has_no_session() -> None:
    assert json.loads(body("json", [run(AT, 1)])).keys() == {"device_id", "timestamp", "metrics"}


@pytest.mark.parametrize(("name", "judge"), [("json", document.judge), ("victoriametrics", import_lines.judge)])
@pytest.mark.parametrize("chunk", [CHUNK, CHUNK[1:], CHUNK[:1]])
def test_the_strict_receiver_finds_nothing_wrong(
    name: str, judge: Callable[[bytes, str, int], Content], chunk: list[PendingRun]
) -> None:
    judged = judge(body(name, chunk), "box", AT + 5000)
    assert judged.findings.count == 0
    assert len(judged.series) == len({(one.shape, place) for one in chunk for place, _ in one.numbers})


@pytest.mark.parametrize("name", NAMES)
def test_a_format_says_what_its_body_is(name: str) -> None:
    expected = {
        "victoriametrics": {"Content-Type": "application/x-ndjson"},
        "json": {"Content-Type": "application/json"},
        "prometheus-remote-write": {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    }[name]
    chosen = format_of(name)
    assert name == chosen.NAME
    assert chosen.ONE_SESSION is (name == "json")
    assert chosen("box", SHAPES, False).headers() == expected
    assert chosen("box", SHAPES, True).headers() == {"Content-Encoding": "gzip", **expected}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_chunk_is_the_same_bytes_whenever_it_is_encoded(name: str) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[2:];"
        "from unit.upload.test_formats import CHUNK, SHAPES, format_of;"
        "sys.stdout.buffer.write(format_of(sys.argv[1])('box', SHAPES, True).encode(CHUNK))"
    )
    path = [str(LIB), str(LIB.parent / "tests")]
    # Another process has other hashes.
    once, again = (
        subprocess.run([sys.executable, "-c", program, name, *path], capture_output=True, check=True).stdout
        for _ in range(2)
    )
    assert once == again
    encoder = format_of(name)("box", SHAPES, True)
    encoder.encode([run(AT - 1, 5, 5)])
    assert encoder.encode(CHUNK) == once


@pytest.mark.parametrize("name", ["victoriametrics", "json"])
def test_compressed_is_the_same_body_without_the_time_of_compression(name: str) -> None:
    compressed = format_of(name)("box", SHAPES, True).encode(CHUNK[:1])
    assert gzip.decompress(compressed) == body(name, CHUNK[:1])
    # RFC 1952: MTIME
    assert compressed[4:8] == bytes(4)


@pytest.mark.parametrize("bad", [NAN, INF, -INF, HUGE, -HUGE, True, False, 2**1024])
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_no_number_is_left_out_and_takes_nothing_with_it(bad: float, place: int) -> None:
    numbers = [1.5, 1.5]
    numbers[place] = bad
    chunk = [run(AT, *numbers), run(AT + 1, 7, 8)]
    kept = {(0, AT + 1): 7, (1, AT + 1): 8, (1 - place, AT): 1.5}
    cores = ["all", "cpu0"]
    assert {
        (cores.index(line["metric"]["core"]), at): value
        for line in lines(chunk)
        for at, value in zip(line["timestamps"], line["values"])
    } == kept
    assert {
        (cores.index(dict(labels)["core"]), at): value for labels, samples in written(chunk) for value, at in samples
    } == kept
    said = json.loads(body("json", chunk))["metrics"]
    assert sorted(sample["value"] for sample in said) == sorted(kept.values())


@pytest.mark.parametrize("value", [0, -0.0, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 2**63, 2**64 - 1])
def test_any_number_that_a_double_holds_is_said_exactly(value: float) -> None:
    chunk = [run(AT, value, value), run(AT + 1, value, value)]
    assert [line["values"] for line in lines(chunk)] == [[value] * 2] * 2
    assert [[said for said, _ in samples] for _, samples in written(chunk)] == [[float(value)] * 2] * 2
    assert [sample["value"] for sample in json.loads(body("json", chunk))["metrics"]] == [value] * 4


@pytest.mark.parametrize("at", [-1, -(2**63), LAST_MS + 1, 2**63, 10**30])
def test_a_time_that_no_format_can_say_takes_nothing_with_it(at: int) -> None:
    chunk = [run(at, 1, 2), run(AT, 3, 4)]
    assert [line["timestamps"] for line in lines(chunk)] == [[AT], [AT]]
    assert written(chunk) == written(chunk[1:])
    assert body("json", chunk) == body("json", chunk[1:])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param([], id="nothing"),
        pytest.param([run(AT)], id="a run without numbers"),
        pytest.param([run(AT, NAN, INF)], id="nothing that can be said"),
        pytest.param([run(AT, 1, shape=99)], id="a shape that is gone"),
    ],
)
def test_nothing_to_say_is_a_body_all_the_same(name: str, chunk: list[PendingRun]) -> None:
    expected = {
        "victoriametrics": b"",
        "prometheus-remote-write": snappy.compress(b""),
        "json": b'{"device_id":"box","timestamp":"1970-01-01T00:00:00.000Z","metrics":[]}',
    }
    assert body(name, chunk) == expected[name]


@pytest.mark.parametrize("name", NAMES)
def test_values_without_a_series_are_left_out(name: str) -> None:
    """A damaged row; the others of its run arrive."""
    assert body(name, [run(AT, 1, 2, 3)]) == body(name, [run(AT, 1, 2)])


@pytest.mark.parametrize("name", NAMES)
def test_shapes_may_come_later(name: str) -> None:
    shapes: dict[int, list[Series]] = {1: SHAPES[1]}
    encoder = format_of(name)("box", shapes, False)
    encoder.encode([run(AT, 1, 2)])
    shapes[2] = SHAPES[2]
    assert encoder.encode(CHUNK) == body(name, CHUNK)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"success": true, "received": 2, "checkpoint": 1234567890123}', 1_234_567_890_123),
        (b'{"checkpoint": 0}', 0),
        (b'{"success": true, "received": 2}', None),
        (b'{"checkpoint": -1}', None),
        (b'{"checkpoint": true}', None),
        (b'{"checkpoint": 1.5}', None),
        (b'{"checkpoint": "1234567890123"}', None),
        (b'{"checkpoint": null}', None),
        (b'{"checkpoint": 1e400}', None),
        (b'{"checkpoint": NaN}', None),
        (b'{"checkpoint": 999999999999999999999}', None),
        (b"[1234567890123]", None),
        (b"1234567890123", None),
        (b"", None),
        (b"\xff\xfe", None),
        (b"<html>", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_checkpoint_is_a_time_or_nothing(answer: bytes, expected: int | None) -> None:
    assert format_of("json")("box", SHAPES, False).checkpoint(answer) == expected


@pytest.mark.parametrize("name", ["victoriametrics", "prometheus-remote-write"])
def test_only_the_document_is_answered_with_a_checkpoint(name: str) -> None:
    assert format_of(name)("box", SHAPES, False).checkpoint(b'{"checkpoint": 1234567890123}') is None


def test_an_unknown_format_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigProblem, match=r"no such format: influx \(one of victoriametrics, json"):
        format_of("influx")


def test_without_snappy_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snappy", None)
    with pytest.raises(ConfigProblem, match="apt install python3-snappy"):
        RemoteWrite("box", SHAPES, True)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_imports_no_other(name: str) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]; before = set(sys.modules);"
        "from belabox_metrics.upload.formats.choose import format_of; format_of(sys.argv[1])('box', {}, True);"
        "print(*{'victoriametrics', 'document', 'remote_write', 'snappy'} & {n.split('.')[-1] for n in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, name, str(LIB)], capture_output=True, text=True, check=True
    ).stdout.split()
    expected = {"victoriametrics": {"victoriametrics"}, "json": {"document"}}
    assert set(done) == expected.get(name, {"remote_write", "snappy"})


@pytest.mark.parametrize(
    ("timestamp_ms", "value", "reason"),
    [
        (AT, 1.5, ""),
        (AT, NAN, "not a finite number"),
        (AT, HUGE, "not a finite number"),
        (AT, True, "True is not a number"),
        (AT, "x", "'x' is not a number"),
        (-1, 1.5, "its time, -1 ms, is before 1970 or after 9999"),
    ],
)
def test_a_refusal_is_in_words(timestamp_ms: int, value: float, reason: str) -> None:
    assert refusal(timestamp_ms, value) == reason


@pytest.mark.parametrize(
    ("timestamp_ms", "words"),
    [
        (AT, ""),
        (EARLIEST_MS, ""),
        (EARLIEST_MS - 1, "had not been set"),
        (0, "had not been set"),
        (AT + AHEAD_MS, ""),
        (AT + AHEAD_MS + 1, "ahead of the server's clock"),
    ],
)
def test_a_time_that_servers_drop_is_known_beforehand(timestamp_ms: int, words: str) -> None:
    found = never_kept(timestamp_ms, now_ms=AT)
    assert words in found
    assert bool(found) == bool(words)


def test_without_the_time_nothing_is_from_the_future() -> None:
    assert never_kept(AT + 10 * AHEAD_MS, now_ms=None) == ""
    assert never_kept(EARLIEST_MS - 1, now_ms=None)
