"""What is right is taken, and of what is wrong it is said where, what, and how it should be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import DOCUMENT, IMPORT, Receiver, Start, document, line, now_ms

# Milliseconds of the documents' 2025-10-11T14:30:00.123Z.
THEN_MS = 1_760_193_000_123
LABELS = {"__name__": "m", "device_id": "b"}


@pytest.mark.parametrize("path", [DOCUMENT, "/api/metrics", f"{DOCUMENT}?pretty"])
def test_the_document_of_the_contract_is_answered_as_in_the_contract(start: Start, path: str) -> None:
    receiver = start("--json")
    second = {"name": "srt.rtt", "value": 125, "tags": {"modem": "1"}, "timestamp": "2025-10-11T14:30:00.456Z"}
    whole = json.loads(document())
    whole["metrics"].append(second)
    reply = receiver.post(path, json.dumps(whole))
    assert reply.status == 200
    assert reply.json == {"success": True, "received": 2, "checkpoint": THEN_MS + 333}
    told = receiver.told()
    assert (told["status"], told["samples"], told["devices"]) == ("200", 2, {"belabox-001": 2})
    assert (told["taken"], told["wrong"]) == (True, False)


def test_the_older_document_has_neither_session_nor_tags(shared: Receiver) -> None:
    reply = shared.post("/api/metrics", document({"tags": None}, session_id=None))
    assert (reply.status, reply.json["received"]) == (200, 1)


def test_lines_are_answered_as_victoriametrics_does(start: Start) -> None:
    receiver = start("--json", "--verbose")
    body = line() + "\r\n" + line(metric={**LABELS, "name": "Gerät ☃"}, values=[-0.0, 1e308], timestamps=[THEN_MS] * 2)
    reply = receiver.post(IMPORT, body)
    assert (reply.status, reply.body) == (204, b"")
    assert "Content-Length" not in reply.headers
    told = receiver.told()
    assert told["devices"] == {"belabox-001": 2, "b": 2}
    assert told["series"]['cpu_usage_percent{core="0",device_id="belabox-001"}']["value"] == 46
    assert receiver.get("/api/v1/checkpoint?device_id=b").json == {"checkpoint": THEN_MS}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "body: is empty, must be lines of JSON"),
        ("\n \n", "body: is empty, must be lines of JSON"),
        ("{\n", "line 1: is not JSON: "),
        ("[1]", "line 1: is an array, must be an object with metric, values, timestamps"),
        ("7 8", "line 1: is not JSON: Extra data at character 3"),
        ('{"metric":{},"metric":{}}', "line 1: has the key metric twice in one object"),
        (line(values=[float("nan"), 1]), "line 1: has NaN, which JSON does not know"),
        (line(values=[float("-inf"), 1]), "line 1: has -Infinity, which JSON does not know"),
        (line() + "\n" + line(values=None), "line 3: has no values"),
        (line(extra=1), "line 1: has extra, which is none of metric, values, timestamps"),
        (line(metric=[]), "line 1: metric is an array, must be an object"),
        (line(values={}), "line 1: values is an object, must be an array"),
        (line(values=[1]), "line 1: values has 1 entries and timestamps 2, must be as many"),
        (line(values=[], timestamps=[]), "line 1: values and timestamps are empty, must have an entry"),
        (line(values=[1, "2"]), "line 1: values[1] is text, must be a number"),
        (line(values=[None, 2]), "line 1: values[0] is null, must be a number"),
        (line(values=[1, True]), "line 1: values[1] is true or false, must be a number"),
        (line(values=[1, 10**400]), "line 1: values[1] is greater than a double can be"),
        (line().replace("45.2", "9" * 5000), "line 1: values[0] is greater than a double can be"),
        (line().replace("45.2", "1e999"), "line 1: values[0] is greater than a double can be"),
        (line(timestamps=[THEN_MS, "x"]), "line 1: timestamps[1] is text, must be whole milliseconds"),
        (line(timestamps=[THEN_MS, THEN_MS + 0.5]), "line 1: timestamps[1] is not whole, must be whole milliseconds"),
        (line(timestamps=[THEN_MS // 1000] * 2), f"line 1: timestamps[0] is {THEN_MS // 1000}: seconds? must be mill"),
        (line(timestamps=[THEN_MS, 0]), "line 1: timestamps[1] is 0: before 2001: must be milliseconds since 1970"),
        (line(timestamps=[THEN_MS, -1]), "line 1: timestamps[1] is -1: before 2001: "),
        (line(timestamps=[THEN_MS * 1000] * 2), f"line 1: timestamps[0] is {THEN_MS * 1000}: micro- or nanoseconds?"),
        (line(timestamps=[THEN_MS, 2 * THEN_MS]), f"line 1: timestamps[1] is {2 * THEN_MS}: over two days ahead: "),
        (line(metric={"device_id": "b"}), "line 1: metric has no __name__"),
        (line(metric={**LABELS, "__name__": "a.b"}), "line 1: __name__ is 'a.b', must be [a-zA-Z_:]"),
        (line(metric={**LABELS, "__name__": ""}), "line 1: __name__ is 'empty', must be "),
        (line(metric={**LABELS, "__name__": "9m"}), "line 1: __name__ is '9m', must be "),
        (line(metric={**LABELS, "__name__": "é"}), "line 1: __name__ is 'é', must be "),
        (line(metric={**LABELS, "__name__": 5}), "line 1: __name__ is a number, must be text"),
        (line(metric={**LABELS, "__name__": "m" * 257}), "line 1: __name__ has 257 characters, must have at most 256"),
        (line(metric={**LABELS, "a:b": "x"}), "line 1: the label is 'a:b', must be [a-zA-Z_][a-zA-Z0-9_]*"),
        (line(metric={**LABELS, "core": 0}), "line 1: the label core is a number, must be text"),
        (line(metric={**LABELS, "core": ""}), "line 1: the label core is empty, which is the same as none"),
        (line(metric={**LABELS, "core": "é" * 2049}), "line 1: the label core has 4098 bytes, must have at most 4096"),
        (line(metric={**LABELS, "core": "\ud800"}), "line 1: the label core has half a surrogate pair"),
        (
            line(metric={**LABELS, **{f"l{number}": "x" for number in range(29)}}),
            "line 1: metric has 31 labels, must have at most 30",
        ),
        (b"\xff\n", "line 1: is not UTF-8: byte 0xff at 1"),
        (b"\xef\xbb\xbf{}", "line 1: is not JSON: "),
        (b"\x1f\x8b\x08\x00", "line 1: is not UTF-8: byte 0x8b at 2"),
        ("[" * 100_000, "line 1: is nested too deeply"),
        ('{"a":' * 100_000, "line 1: is nested too deeply"),
    ],
    ids=lambda value: str(value)[:60].strip(),
)
def test_a_wrong_line(shared: Receiver, body: bytes | str, complaint: str) -> None:
    reply = shared.post(IMPORT, body)
    assert reply.status == 400
    complaints = reply.complaints()
    assert len(complaints) == reply.json["error_count"] == 1
    assert complaints[0].startswith(complaint)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "body: is not JSON: "),
        ("null", "body: is null, must be an object with session_id, device_id, timestamp, metrics"),
        ("[" * 100_000, "body: is nested too deeply"),
        (document(device_id=None), "body: has no device_id"),
        (document(device_id=""), "body: device_id is empty"),
        (document(device_id=7), "body: device_id is a number, must be text"),
        (document(session_id=[]), "body: session_id is an array, must be text"),
        (document(timestamp=None), "body: has no timestamp"),
        (document(timestamp=THEN_MS), "body: timestamp is a number, must be RFC 3339, as 2025-10-11T14:30:00.123Z"),
        (document(metrics=None), "body: has no metrics"),
        (document(metrics={}), "body: metrics is an object, must be an array"),
        (document(metrics=[3]), "metrics[0]: is a number, must be an object with name, value, tags, timestamp"),
        (document(version=1), "body: has version, which is none of session_id, device_id, timestamp, metrics"),
        (document({"name": None}), "metrics[0]: has no name"),
        (document({"name": "cpu..usage"}), "metrics[0]: name is 'cpu..usage', must be words of [a-zA-Z0-9_] with dots"),
        (document({"name": "a b"}), "metrics[0]: name is 'a b', must be "),
        (document({"value": None}), "metrics[0]: has no value"),
        (document({"value": "5"}), "metrics[0]: value is text, must be a number"),
        (document({"value": 10**400}), "metrics[0]: value is greater than a double can be"),
        (document({"tag": {}}), "metrics[0]: has tag, which is none of name, value, tags, timestamp"),
        (document({"tags": []}), "metrics[0]: tags is an array, must be an object"),
        (document({"tags": {"core": 0}}), "metrics[0]: the tag core is a number, must be text"),
        (document({"tags": {"": "x"}}), "metrics[0]: the tag '' is empty"),
        (document({"timestamp": None}), "metrics[0]: has no timestamp"),
        (
            document({"timestamp": "2025-10-11 14:30:00Z"}),
            "metrics[0]: timestamp is '2025-10-11 14:30:00Z', must be RFC",
        ),
        (document({"timestamp": "2025-10-11T14:30:00"}), "metrics[0]: timestamp is '2025-10-11T14:30:00', must be RFC"),
        (document({"timestamp": "2025-13-11T14:30:00Z"}), "metrics[0]: timestamp is '2025-13-11T14:30:00Z': month"),
        (
            document({"timestamp": "1970-01-01T00:00:09Z"}),
            "metrics[0]: timestamp is 1970-01-01T00:00:09Z, which is bef",
        ),
        (
            document({"timestamp": "9025-01-01T00:00:09Z"}),
            "metrics[0]: timestamp is 9025-01-01T00:00:09Z, which is over",
        ),
        (
            document({"timestamp": "٢٠٢٥-10-11T14:30:00Z"}),
            "metrics[0]: timestamp is '٢٠٢٥-10-11T14:30:00Z', must be RFC",
        ),
    ],
    ids=lambda value: str(value)[:60].strip(),
)
def test_a_wrong_document(shared: Receiver, body: str, complaint: str) -> None:
    reply = shared.post(DOCUMENT, body)
    assert reply.status == 400
    complaints = reply.complaints()
    assert len(complaints) == reply.json["error_count"] == 1
    assert complaints[0].startswith(complaint)


@pytest.mark.parametrize(
    ("written", "meant_ms"),
    [
        ("2025-10-11T14:30:00Z", THEN_MS - 123),
        ("2025-10-11T14:30:00.1Z", THEN_MS - 23),
        ("2025-10-11t14:30:00.123456789z", THEN_MS),
        ("2025-10-11T16:30:00.123+02:00", THEN_MS),
        ("2025-10-11T09:00:00.123-05:30", THEN_MS),
    ],
)
def test_a_time_may_be_written_in_any_way_of_rfc_3339(start: Start, written: str, meant_ms: int) -> None:
    assert start().post(DOCUMENT, document({"timestamp": written})).json["checkpoint"] == meant_ms


def test_all_that_is_wrong_is_said_at_once_but_not_without_end(start: Start) -> None:
    receiver = start()
    bad = line(metric={"__name__": "a b", "core": ""}, values=["x", 1], timestamps=[1, 2])
    reply = receiver.post(IMPORT, bad)
    assert [error["what"].split(" is ")[0] for error in reply.json["errors"]] == [
        "__name__",
        "the label core",
        "values[0]",
        "timestamps[0]",
    ]
    for _ in range(5):
        receiver.line()

    reply = receiver.post(IMPORT, (line() + "x\n") * 10_000)
    assert reply.status == 400
    assert len(reply.json["errors"]) == 20
    assert reply.json["errors"][-1]["where"] == "line 40"
    assert reply.json["error_count"] == 1000
    assert "WRONG: 1000 mistakes" in receiver.line()
    assert [receiver.line() for _ in range(21)][-1] == "    and 980 more, and the rest was not looked at"


def test_ten_thousand_right_lines(start: Start) -> None:
    receiver = start("--json")
    body = "".join(line(metric={**LABELS, "number": str(number)}) for number in range(10_000))
    assert receiver.post(IMPORT, body).status == 204
    assert receiver.told()["samples"] == 20_000


def test_one_wrong_line_refuses_all_of_them(start: Start) -> None:
    receiver = start("--json")
    assert receiver.post(IMPORT, line() + line(values=[1])).status == 400
    assert not receiver.told()["taken"]
    assert receiver.get("/api/v1/checkpoint?device_id=belabox-001").json == {"checkpoint": None}


@pytest.mark.parametrize(
    ("path", "body", "status", "taken"),
    [
        (IMPORT, "{\n" + line(), 204, 2),
        (IMPORT, "{", 204, 0),
        (DOCUMENT, document(metrics=[1, json.loads(document())["metrics"][0]]), 200, 1),
        (DOCUMENT, document(device_id=None), 200, 0),
    ],
)
def test_lenient_drops_what_is_wrong_and_still_tells(
    start: Start, path: str, body: str, status: int, taken: int
) -> None:
    receiver = start("--json", "--lenient")
    reply = receiver.post(path, body, Content_Type="text/plain")
    assert reply.status == status
    assert status == 204 or reply.json["received"] == taken
    told = receiver.told()
    assert (told["samples"], told["error_count"], told["wrong"]) == (taken, 1, True)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_document_says_that_it_is_json(shared: Receiver, kind: str) -> None:
    reply = shared.post(DOCUMENT, document(), Content_Type=kind)
    assert reply.status == 415
    assert "must be application/json" in reply.json["error"]
    assert shared.post(DOCUMENT, document(), Content_Type="Application/JSON; charset=utf-8").status == 200


def test_the_checkpoint_is_the_newest_of_the_device_and_never_goes_back(start: Start) -> None:
    receiver = start()

    def sent(device: str, *timestamps: int) -> Any:
        body = line(metric={"__name__": "m", "device_id": device}, values=[1] * len(timestamps), timestamps=timestamps)
        assert receiver.post(IMPORT, body).status == 204
        return receiver.get(f"/api/v1/checkpoint?device_id={device}").json["checkpoint"]

    assert sent("a", THEN_MS, THEN_MS + 5, THEN_MS + 2) == THEN_MS + 5
    assert sent("b", THEN_MS - 9) == THEN_MS - 9
    assert sent("a", THEN_MS - 1) == THEN_MS + 5
    # The reply to a document knows of both ways.
    assert receiver.post(DOCUMENT, document(device_id="b")).json["checkpoint"] == THEN_MS
    # A line without the label is of whoever sends it.
    metric = {"__name__": "m"}
    receiver.post(IMPORT, line(metric=metric, timestamps=[THEN_MS, now_ms()]), X_Device_ID="c")
    assert receiver.get("/api/v1/checkpoint?device_id=c").json["checkpoint"] > THEN_MS


def test_a_device_may_have_any_name(start: Start) -> None:
    receiver = start()
    receiver.post(DOCUMENT, document(device_id="a b&c=ü"))
    assert receiver.get("/api/v1/checkpoint?device_id=a+b%26c%3D%C3%BC").json == {"checkpoint": THEN_MS}


@pytest.mark.parametrize("query", ["", "?", "?device_id=", "?device_id=a&device_id=b", "?device_id=" + "x" * 5000])
def test_a_checkpoint_is_of_one_device(shared: Receiver, query: str) -> None:
    assert shared.get(f"/api/v1/checkpoint{query}").status == 400
