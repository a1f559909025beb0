"""The documented JSON document: what its answer says is heard, and not believed further than is safe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from belabox_metrics.errors import Damaged

from .box import START_MS, Box, Handler, Remote, plain, status


def reply(remote: Remote, text: str) -> None:
    remote.answer = status(200, text, Content_Type="application/json")


def test_success_with_a_checkpoint(tmp_path: Path, remote: Remote, capsys: pytest.CaptureFixture[str]) -> None:
    box = Box(tmp_path, remote.url, format="json")
    box.sample(2, count=3)
    reply(remote, json.dumps({"success": True, "received": 3, "checkpoint": START_MS}))
    assert box.upload() == 0
    assert box.pending() == 0
    document = json.loads(plain(remote.accepted[0]))
    assert [document["device_id"], len(document["metrics"])] == ["box", 3]
    assert "says it has up to" not in capsys.readouterr().err


@pytest.mark.parametrize("checkpoint", [START_MS - 60_000, 0], ids=["a minute behind", "nothing"])
def test_a_checkpoint_that_lags_behind_is_told(
    tmp_path: Path, remote: Remote, checkpoint: int, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Box(tmp_path, remote.url, format="json")
    box.sample(2)
    reply(remote, json.dumps({"success": True, "received": 1, "checkpoint": checkpoint}))
    assert box.upload() == 0
    assert f"says it has up to {checkpoint}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"success": True, "received": 1, "checkpoint": 10**15}),
        json.dumps({"success": True, "received": 10**9, "checkpoint": "yesterday"}),
        "[]",
        "{",
        "",
        "\xff" * 100,
        "[" * 50_000,
    ],
    ids=["far ahead", "words", "list", "half", "empty", "no text", "deep"],
)
def test_a_lie_makes_the_box_leave_nothing_out(tmp_path: Path, remote: Remote, text: str) -> None:
    box = Box(tmp_path, remote.url, format="json")
    reply(remote, text)
    for _ in range(4):
        box.sample(2)
        box.wait(30)
        assert box.upload() == 0
    assert sum(len(json.loads(plain(body))["metrics"]) for body in remote.accepted) == 4
    assert box.pending() == 0


def test_what_it_says_it_did_not_receive_is_found_and_set_aside(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, format="json", chunk_size=100)
    for name in ("good", "bad", "fine"):
        box.sample(2, name, count=4)
        box.wait(1)
    taken: list[tuple[str, str]] = []

    def answer(handler: Handler) -> None:
        metrics = json.loads(plain(remote.requests[-1][1]))["metrics"]
        good = [entry for entry in metrics if (entry["name"], entry["tags"]["at"]) != ("bad", "2")]
        taken.extend((entry["name"], entry["tags"]["at"]) for entry in good)
        status(200, json.dumps({"success": True, "received": len(good)}))(handler)

    remote.answer = answer
    assert box.upload() == 0
    assert box.sql("SELECT name, tags, status, reason FROM rejected") == [
        ("bad", '{"at":"2"}', 200, "it received 0 of 1 samples")
    ]
    assert len(set(taken)) == 11
    assert box.pending() == 0


def test_half_of_a_chunk_is_as_new_as_its_own_samples(
    tmp_path: Path, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server is right to say that it has the first half up to there: there is nothing to doubt."""
    box = Box(tmp_path, remote.url, format="json", chunk_size=100)
    for name in ("a", "b", "c", "d"):
        box.sample(2, name)
        box.wait(1)

    def answer(handler: Handler) -> None:
        names = [entry["name"] for entry in json.loads(plain(remote.requests[-1][1]))["metrics"]]
        newest = START_MS + "abcd".index(names[-1]) * 1000
        said = json.dumps({"success": True, "received": len(names), "checkpoint": newest})
        (status(413) if len(names) > 2 else status(200, said))(handler)

    remote.answer = answer
    assert box.upload() == 0
    assert len(remote.accepted) == 2
    assert "says it has up to" not in capsys.readouterr().err
    newest = box.sql("SELECT last_uploaded_timestamp FROM upload_checkpoints ORDER BY id")
    assert newest == [(START_MS + 1000,), (START_MS + 3000,)]


def test_under_the_id_of_a_session_that_is_no_text_nothing_is_sent(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, format="json")
    box.live()
    box.sample(2)
    with box.store.writing() as connection:
        connection.execute("UPDATE sessions SET id = CAST(x'6cff' AS TEXT)")
    with pytest.raises(Damaged, match="the id of a session"):
        box.upload()
    assert remote.requests == []
    assert box.pending() == 1


def test_a_document_has_one_session(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, format="json", chunk_size=100)
    box.sample(2)
    box.live()
    box.wait(1)
    box.sample(2)
    reply(remote, "{}")
    assert box.upload() == 0
    sessions = [json.loads(plain(body)).get("session_id") for body in remote.accepted]
    assert sessions == [None, "live"]
