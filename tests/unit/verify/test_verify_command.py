"""The command: what it needs, what it says, and that a repair queues only what may be."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.progress import Progress
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.database import Store
from belabox_metrics.upload.correction import Correction
from belabox_metrics.verify import screen
from belabox_metrics.verify.gaps import Gap
from belabox_metrics.verify.hours import Hour
from belabox_metrics.verify.inspection import Inspection, shown
from belabox_metrics.verify.repair import repair
from belabox_metrics.verify.standing import Standing
from belabox_metrics.verify.stored import SentRun

from .conftest import Box, Server, chunked, says, sized


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--since", "soon"], 2, "--since"),
        (["--since", "5"], 2, "5 has no unit"),
        (["--since", "1950-01-32"], 2, "is not in the calendar"),
        (["--database", "/nowhere/m.db"], 75, "no database yet"),
    ],
)
def test_what_can_not_be_done_is_said(
    box: Box, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert box.verify(*arguments) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": ""}, "remote.url: is not set"),
        ({"url": "http://127.0.0.1:9/somewhere"}, "set remote.query_url"),
    ],
)
def test_a_configuration_that_does_not_tell_where_to_ask(
    box: Box, capsys: pytest.CaptureFixture[str], settings: dict[str, str], words: str
) -> None:
    box.configure(**settings)
    assert box.verify() == 78
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sized(b'{"checkpoint": 1760193000456}'), "the newest that the server has of this device is of 2025-10-11"),
        (sized(b'{"checkpoint": null}'), "the server has nothing of this device"),
        (sized(b'{"checkpoint": true}'), "what it has ("),
        (sized(b"[[["), "what it has ("),
        (sized(b'{"checkpoint": 1760193000456}', status="500 E"), "what it has ("),
    ],
)
def test_the_format_json_has_nothing_to_ask_but_its_checkpoint(
    box: Box, server: Server, capsys: pytest.CaptureFixture[str], answer: bytes, words: str
) -> None:
    box.configure(format="json", url=server.url.replace("import", "metrics"))
    server.answers = [says(answer)]
    assert box.verify() == 78
    assert words in capsys.readouterr().err
    assert server.requests[0].startswith(b"GET /api/v1/checkpoint?device_id=box ")


def test_settings_that_can_not_be_told_are_nothing_missing(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    with box.store.writing() as connection:
        connection.execute("UPDATE settings SET value = value + 1 WHERE key = 'crc32'")
    assert box.verify() == 75
    assert "sudo belabox-metrics apply" in capsys.readouterr().err


def test_nothing_stored_is_nothing_missing(box: Box, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert box.verify("--since", "1s") == 0
    assert capsys.readouterr().out == "nothing was stored in the last 1s\n"
    assert server.requests == []


def test_the_document_has_what_the_table_has(box: Box, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = box.exported()
    server.answers = [says(chunked(first)), says(sized(b""))]
    assert box.verify("--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["missing"] == 2
    assert [hour["missing"] for hour in found["hours"]] == [0, 2]
    assert found["series"] == [{"series": "a_value", "missing": 1}, {"series": 'b_value{core="all"}', "missing": 1}]
    assert (found["device_id"], found["queued"]) == ("box", None)


def test_an_hour_of_which_nothing_was_sent_yet_says_nothing_of_the_servers_retention(
    box: Box, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [says(sized(b"")), *[says(sized(lines)) for lines in box.exported()], says(sized(b""))]
    at = time.time_ns() // 1_000_000 - 3 * 86_400_000
    with box.store.writing() as connection:
        moment = Moment(at, at, "b", True)
        runs.add(connection, runs.Run("collect", moment, metric="m", samples=[Sample("a.value", 2)]))
    server.answers = answers
    assert box.verify("--json", "--since", "7d") == 0
    hours = json.loads(capsys.readouterr().out)["hours"]
    assert [(hour["waiting"], hour["beyond"]) for hour in hours] == [(1, False), (0, False), (0, False)]


@pytest.mark.parametrize(
    ("query", "device", "tags"),
    [
        ("extra_label=site=barn", "box", ',"core":"all","site":"barn"'),
        ("extra_label=core=all", "box", ',"core":"all"'),  # which the sample has anyway
        ("extra_label=core=x", "box", ',"core":"x"'),
        ("extra_label=device_id=van&extra_label=site=a", "van", ',"core":"all","site":"a"'),
    ],
)
def test_a_label_that_the_url_adds_takes_the_place_of_one_of_its_name(
    box: Box, server: Server, query: str, device: str, tags: str
) -> None:
    added = [pair.split("=")[1:] for pair in query.split("&")]
    others = "".join([f',"{name}":"{value}"' for name, value in added if name != "device_id"])
    given = [
        lines.replace(b',"core":"all"', b"@").replace(
            b'"__name__":"a_value"', b'"__name__":"a_value"' + others.encode()
        )
        for lines in box.exported()
    ]
    given = [lines.replace(b"@", tags.encode()).replace(b'"box"', f'"{device}"'.encode()) for lines in given]
    box.configure(url=f"{server.url}?{query}")
    server.answers = [says(sized(lines)) for lines in given]
    assert box.verify() == 0
    assert quote(f'{{device_id="{device}"}}').encode() in server.requests[0]


def test_a_long_list_of_series_ends_with_a_number(box: Box) -> None:
    reader = box.store.connection()
    correction = Correction(reader, Moment(0, 0, "b", True))
    found = Inspection(reader, Standing(reader), correction, "box")
    found.hours.append(Hour(0))
    found.missing.update({f"s_{at}": at for at in range(1, 31)})
    lines = screen.table(found, "1h", "http://x", None)
    assert "missing 30  s_30" in lines
    assert "and 18 more" in lines


def test_a_series_can_not_write_to_the_terminal() -> None:
    assert shown((("__name__", "a"), ("device_id", "box"), ("tag", "\x1b[2J"))) == 'a{tag="\\x1b[2J"}'


def test_the_log_can_be_truncated_while_the_server_is_asked(box: Box, server: Server) -> None:
    """A reader that stays in a transaction would let it grow for as long as the server takes."""
    truncated = []
    bodies = iter(box.exported())

    def answer(connection: socket.socket) -> None:
        store = Store(box.store.path)
        writing = store.writing(checkpoint_first=True)
        with writing:
            truncated.append(writing.checkpointed)
        store.close()
        connection.sendall(sized(next(bodies)))

    server.answers = [answer]
    assert box.verify() == 0
    assert truncated == [True, True]


def test_a_bar_is_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for is_terminal, wanted, steps in ((False, True, 4), (True, False, 4), (True, True, 1)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda told=is_terminal: told)
        bar = Progress(steps, wanted)
        bar.step()
        bar.end()
    assert capsys.readouterr().err == ""
    bar = Progress(4, True)
    bar.step()
    bar.step()
    bar.end()
    first, second, rest = capsys.readouterr().err.split("\r")[1:]
    assert (first.count("#"), second.count("#"), second[-6:]) == (7, 15, "2 of 4")
    assert rest == "\x1b[K"


def gap(box: Box, set_aside: int = 0) -> Gap:
    (first,) = box.store.connection().execute("SELECT min(id) FROM runs").fetchone()
    made = Gap(2, first)
    run = SentRun(first, 2, True)
    run.set_aside = set_aside
    made.take(run)
    return made


def test_what_somebody_else_has_queued_is_not_queued_again(box: Box) -> None:
    wanted = gap(box)
    assert (repair(box.store, [wanted]).runs, box.backlog()) == (1, 1)
    pending = queue.pending_count(box.store.connection())
    done = repair(box.store, [wanted])
    assert (done.runs, done.left, box.backlog()) == (0, 1, 1)
    assert queue.pending_count(box.store.connection()) == pending == 2


def test_what_was_removed_meanwhile_is_not_queued(box: Box) -> None:
    wanted = gap(box)
    with box.store.writing() as connection:
        connection.execute("DELETE FROM runs WHERE id = ?", (wanted.first,))
    done = repair(box.store, [wanted])
    assert (done.runs, done.left, box.backlog()) == (0, 1, 0)


def test_a_reader_may_verify_and_is_told_why_it_can_not_repair(
    box: Box, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [says(sized(b""))]
    assert box.verify("--quiet") == 1
    assert capsys.readouterr() == ("", "")
    lock = Path(box.store.path + ".lock")
    lock.unlink()
    lock.mkdir()
    assert box.verify("--repair") == 1
    lock.rmdir()
    assert "cannot open the lock file" in capsys.readouterr().err
