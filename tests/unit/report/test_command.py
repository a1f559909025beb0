"""The command, and the same over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import resource
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.errors import UsageProblem
from belabox_metrics.health import places
from belabox_metrics.health.access import Access
from belabox_metrics.health.answer import Answer
from belabox_metrics.health.request import Request
from belabox_metrics.health.visit import Visit
from belabox_metrics.report import command, recording
from belabox_metrics.report.answer import answer as report_answer
from belabox_metrics.report.report import chosen
from belabox_metrics.store import sessions
from belabox_metrics.store.database import Store
from belabox_metrics.stream.session import Session, SessionChange

from .conftest import ONE, Stream
from .test_findings import modem_pulled

LIBRARY = Path(__file__).parents[3] / "lib"
RUN = "import sys; from belabox_metrics.report.command import main; sys.exit(main(sys.argv[1:]))"
TWO = "12222222-2222-4222-8222-222222222222"


@pytest.fixture
def database(stream: Stream) -> str:
    modem_pulled(stream)
    stream.play()
    return stream.store.path


def test_it_writes_a_file(database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.html"
    assert command.main(["--database", database, "-o", str(path)]) == 0
    assert "wwan0 disappeared from USB" in path.read_text()
    assert [file.name for file in tmp_path.iterdir() if "one" in file.name] == ["one.html"]
    assert "open it in a browser" in capsys.readouterr().err
    path.write_text("mine")
    assert command.main(["--database", database, "-o", str(path)]) == 2
    assert "replace it with --force" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert command.main(["--database", database, "-o", str(path), "--force"]) == 0
    assert "wwan0 disappeared from USB" in path.read_text()


def test_a_pipe_gets_the_page(database: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert command.main(["--database", database, ONE[:4]]) == 0
    assert capfdbinary.readouterr().out.startswith(b"<!DOCTYPE html>")


def test_a_terminal_gets_words(database: str) -> None:
    """A real one: a pseudo-terminal."""
    main, other = pty.openpty()
    lines = [sys.executable, "-c", RUN, "--database", database]
    with subprocess.Popen(lines, stdout=other, env={"PYTHONPATH": str(LIBRARY), "TZ": "UTC"}) as process:
        os.close(other)
        text = b""
        with contextlib.suppress(OSError):  # Linux says EIO at its end
            while part := os.read(main, 65536):
                text += part
        assert process.wait() == 0
    os.close(main)
    said = text.decode().replace("\r\n", "\n")
    assert said.startswith(f"session {ONE}, from 2023-11-14 22:13:20 UTC\nA stream of 20 min. It was stopped.")
    assert "\n1. 22:15:20 wwan0 disappeared from USB (port 2-1)" in said


def test_json_is_for_programs(database: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--database", database, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["session"]["id"] == ONE


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ffff"], 2, "there is no session 'ffff'"),
        (["%"], 2, "there is no session '%'"),
        (["-o", "/nowhere/one.html"], 2, "can't be written"),
        (["--database", "/nowhere/metrics.db"], 1, "there is no database yet"),
    ],
)
def test_what_can_not_be_is_said(
    database: str, arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--database", database, *arguments]) == code
    assert said in capsys.readouterr().err


def test_a_beginning_that_fits_two_is_refused(stream: Stream) -> None:
    stream.play()
    with stream.store.writing() as connection:
        sessions.apply(connection, SessionChange(Session(TWO, 1_700_000_900_000, "{}")), stream.moment(900))
    connection = stream.store.connection()
    with pytest.raises(UsageProblem, match="several sessions begin with '1'"):
        chosen(connection, "1")
    assert chosen(connection, ONE[:2]).id == ONE
    # The newest one, live or not.
    assert chosen(connection, "").id == TWO


@pytest.fixture
def ask(database: str) -> Callable[[str], Answer]:
    """What the responder answers."""

    def asked(path: str) -> Answer:
        place = places.found(path)
        assert place is not None
        return place(Visit(Store(database), Request("GET", path, [], 0), Access([], ""), {}))

    return asked


def test_it_is_a_page_of_the_responder(ask: Callable[[str], Answer]) -> None:
    answer = ask(f"/report/{ONE[:8]}")
    assert (answer.status, b"wwan0 disappeared from USB" in answer.body) == (200, True)
    assert b'<a href="/">' in answer.body
    # The policy of the page allows its own style sheet and nothing else.
    (style,) = re.findall(b"<style>(.*?)</style>", answer.body, re.DOTALL)
    assert f"style-src 'sha256-{b64encode(sha256(style).digest()).decode()}'" in answer.head().decode()
    assert "script-src" not in answer.head().decode()


@pytest.mark.parametrize(
    "path", ["/report/ffff", "/report/%3Cscript%3E", "/report/../etc/passwd", f"/report/{'1' * 2000}"]
)
def test_what_is_not_there_is_not_found(ask: Callable[[str], Answer], path: str) -> None:
    answer = ask(path)
    assert answer.status == 404
    assert len(answer.body) < 200


def test_many_series_are_looked_at_in_steps_as_memory_is_short(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stream.play().recording.step_ms == 0
    monkeypatch.setattr(recording, "MOST_IN_ALL", 2000)
    found = stream.again().recording
    assert found.step_ms > 0
    assert sum(len(series.points) for name in found.names() for series in found.all(name)) <= 2000


def test_the_same_again_is_not_made_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long one takes many seconds: whoever reloads, or gave up and asks again, has what was made."""
    monkeypatch.setattr("belabox_metrics.report.answer.FRESH_TIMES", 10_000)
    visit = Visit(Store(database), Request("GET", f"/report/{ONE}", [], 0), Access([], ""), {})
    first = report_answer(visit)
    assert report_answer(visit) is first
    with Store(database).writing() as connection:
        connection.execute("UPDATE sessions SET status = 'failed'")
    assert report_answer(visit) is not first


def test_a_link_beside_the_file_leads_nowhere(database: str, tmp_path: Path) -> None:
    """In a directory that others may write to, as /tmp, somebody may know the name before."""
    other = tmp_path / "of somebody"
    other.write_text("kept")
    for name in ("link.html", "one.html.new", f".one.html.{os.getpid()}.partial"):
        (tmp_path / name).symlink_to(other)
    assert command.main(["--database", database, "-o", str(tmp_path / "one.html"), "--force"]) == 0
    assert "wwan0" in (tmp_path / "one.html").read_text()
    assert command.main(["--database", database, "-o", str(tmp_path / "link.html"), "--force"]) == 2
    assert other.read_text() == "kept"


def test_of_a_file_that_could_not_be_written_nothing_is_left(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "of reports"
    folder.mkdir()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What the kernel says here is what it says of a disk that is full, in other words.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        assert command.main(["--database", database, "-o", str(folder / "one.html")]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "can't be written" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
