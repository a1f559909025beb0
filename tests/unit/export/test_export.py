"""What is exported is what is stored: all of it, once, whatever happens meanwhile and whatever is in it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.errors import UsageProblem
from belabox_metrics.export import command, stored
from belabox_metrics.export.file import WholeFile
from belabox_metrics.export.lines import JsonLines
from belabox_metrics.export.stored import Stored, Wanted
from belabox_metrics.sample import Sample
from belabox_metrics.store import runs
from belabox_metrics.upload.correction import Correction

from .conftest import START_MS, Box

ROOT = Path(__file__).parents[3]
HOUR_MS = 3_600_000
HOSTILE = '=cmd|"/c calc"!A1\r\n\x1b[31m,\u202e\ud800;\t\x00'
CPU = {"__name__": "cpu_temperature_celsius", "device_id": "box"}


@pytest.fixture
def export(box: Box, capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    def run(*words: str) -> bytes:
        assert command.main([*words, "--database", box.store.path]) == 0
        return capfdbinary.readouterr().out

    return run


def lines(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split(b"\n") if line]


def rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def of(text: bytes, name: str) -> list[tuple[int, object]]:
    """(time, value or text) of all lines of that name, in the order they stand."""
    found: list[tuple[int, object]] = []
    for line in lines(text):
        if line["metric"]["__name__"] == name:
            found += zip(line["timestamps"], line.get("values") or line["texts"])
    return found


def test_every_number_and_every_text_is_in_it(box: Box, export: Any) -> None:
    box.many(3)
    assert lines(export()) == [
        {
            "metric": CPU,
            "values": [40.0, 40.1, 40.2],
            "timestamps": [START_MS, START_MS + 1000, START_MS + 2000],
        },
        {
            "metric": {"__name__": "network_tx_bytes_total", "device_id": "box", "interface": "eth0"},
            "values": [0, 1000, 2000],
            "timestamps": [START_MS, START_MS + 1000, START_MS + 2000],
        },
        {
            "metric": {"__name__": "cpu_name", "device_id": "box"},
            "texts": ["a0", "a1", "a2"],
            "timestamps": [START_MS, START_MS + 1000, START_MS + 2000],
        },
    ]
    first, second, third, *_ = rows(export("--format", "csv"))
    assert first["time"] == "2023-11-15T00:00:00.000Z"
    assert (first["name"], first["value"], first["text"]) == ("cpu.temperature", "40.0", "")
    assert (second["tags"], second["value"]) == ('{"interface":"eth0"}', "0")
    assert (third["name"], third["value"], third["text"]) == ("cpu.name", "", '"a0"')


@pytest.mark.parametrize("size", [1, 7, 2000])
def test_pages_lose_nothing_and_repeat_nothing(
    box: Box, export: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(stored, "ROWS", size)
    box.many(30, every_ms=HOUR_MS // 5)
    box.step(30 * HOUR_MS)
    box.many(30, every_ms=1000, start=30)
    said = export()
    assert [value for _, value in of(said, "network_tx_bytes_total")] == [at * 1000 for at in range(60)]
    assert [text for _, text in of(said, "cpu_name")] == [f"a{at}" for at in range(60)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--since", "2023-11-15T00:00:05Z"], range(5, 20)),
        (["--until", "2023-11-15T00:00:05Z"], range(5)),
        (["--since", "2023-11-15T00:00:05Z", "--until", "2023-11-15T00:00:07Z"], range(5, 7)),
        (["--metric", "m"], range(20)),
        (["--metric", "network.tx_bytes_total"], range(20)),
        (["--metric", "cpu.name", "m"], range(20)),
        (["--metric", "cpu.name"], range(0)),
        (["--metric", "other"], range(0)),
    ],
)
def test_a_part_of_it_can_be_had(box: Box, export: Any, words: list[str], expected: range) -> None:
    box.many(20)
    box.run(Sample("other.value", 1), metric="other")
    for form in ("jsonl", "csv"):
        said = export(*words, "--format", form)
        if form == "csv":
            found = [int(row["value"]) for row in rows(said) if row["name"] == "network.tx_bytes_total"]
        else:
            found = [int(str(value)) for _, value in of(said, "network_tx_bytes_total")]
        assert found == [at * 1000 for at in expected]
    assert "--metric" not in words or (b"other" in said) == ("other" in words)


def test_a_sample_has_the_time_it_is_sent_with(box: Box, export: Any) -> None:
    """The board wakes up in the past; its clock is set after a minute."""
    right = box.moment
    box.moment = Moment(START_MS - 10 * 24 * HOUR_MS, 5_000, "boot-b", False)
    box.many(1)
    box.moment = Moment(right.wall_ms, 65_000, "boot-b", True)
    box.many(1, start=1)
    expected = [(START_MS - 60_000, 0), (START_MS, 1000)]
    assert of(export(), "network_tx_bytes_total") == expected
    assert of(export("--since", "2023-11-14T12:00Z"), "network_tx_bytes_total") == expected
    assert of(export("--until", "2023-11-14T12:00Z"), "network_tx_bytes_total") == []


def _rolled_up(box: Box, table: str, length_ms: int, at_ms: int, packed: str) -> None:
    """What has become of runs of the shape that there is."""
    with box.store.writing() as connection:
        shape, job = connection.execute("SELECT shape, job FROM runs WHERE shape IS NOT NULL LIMIT 1").fetchone()
        key = at_ms // length_ms * 2**32 + shape
        connection.execute(f"INSERT INTO {table} VALUES (?, ?, 2, ?, ?)", (key, job, at_ms, packed))


def test_what_is_rolled_up_is_marked(box: Box, export: Any) -> None:
    box.many(1)
    _rolled_up(box, "minutes", 60_000, START_MS - HOUR_MS, '[[1.0,4.0,9.0,2.5,4],[700,600,4],"old"]')
    _rolled_up(box, "five_minutes", 300_000, START_MS - 2 * HOUR_MS, "[[3,2],5,null]")
    said = export()
    steps = [line for line in lines(said) if "step_ms" in line]
    assert [(line["metric"]["__name__"], line["step_ms"], line["timestamps"]) for line in steps] == [
        ("cpu_temperature_celsius", 300_000, [START_MS - 2 * HOUR_MS]),
        ("network_tx_bytes_total", 300_000, [START_MS - 2 * HOUR_MS]),
        ("cpu_temperature_celsius", 60_000, [START_MS - HOUR_MS]),
        ("network_tx_bytes_total", 60_000, [START_MS - HOUR_MS]),
        ("cpu_name", 60_000, [START_MS - HOUR_MS]),
    ]
    wanted = {"values": [2.25], "min": [1.0], "max": [4.0], "last": [2.5], "count": [4]}
    assert {name: steps[2][name] for name in wanted} == wanted
    assert {name: steps[3][name] for name in ("values", "count", "increase")} == {
        "values": [700],
        "count": [4],
        "increase": [600],
    }
    assert steps[4]["texts"] == ["old"]
    assert len(of(said, "network_tx_bytes_total")) == 3
    marked = [row for row in rows(export("--format", "csv")) if row["step_ms"]]
    assert [(row["value"], row["text"], row["min"], row["increase"]) for row in marked] == [
        ("3.0", "", "3", ""),
        ("5", "", "5", "0"),
        ("2.25", "", "1.0", ""),
        ("700", "", "100", "600"),
        ("", '"old"', "", ""),
    ]
    assert len(lines(export("--since", "2023-11-14T22:30Z", "--until", "2023-11-14T23:30Z"))) == 3


@pytest.mark.parametrize("size", [2000, 50, 25])
def test_what_is_rolled_up_between_two_pages_is_neither_missed_nor_there_twice(
    box: Box, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A slow pipe: the oldest hour is read, or a part of it, and then all but the newest hour is rolled up."""
    monkeypatch.setattr(stored, "ROWS", size)
    box.many(4 * 60, every_ms=60_000)
    connection = box.store.reading()
    pages = Stored(connection, Correction(connection, box.moment), Wanted()).pages()
    page = next(pages)
    seen = [run.timestamp_ms for run in page.runs]
    for minute in range(len(seen), 3 * 60):
        _rolled_up(box, "minutes", 60_000, START_MS + minute * 60_000, "[1,2,null]")
    with box.store.writing() as writer:
        writer.execute("DELETE FROM runs WHERE id < ?", (START_MS + 3 * HOUR_MS,))
    for page in pages:
        seen += [step.timestamp_ms for step in page.steps] + [run.timestamp_ms for run in page.runs]
    connection.close()
    assert seen == [START_MS + minute * 60_000 for minute in range(4 * 60)]


def test_between_two_pages_the_log_can_be_folded_in(box: Box) -> None:
    box.many(10, every_ms=HOUR_MS)
    connection = box.store.reading()
    truncated = []
    for _ in Stored(connection, Correction(connection, box.moment), Wanted()).pages():
        writing = box.store.writing(checkpoint_first=True)
        with writing as writer:
            writer.execute("UPDATE settings SET value = value")
        truncated.append(writing.checkpointed)
    connection.close()
    assert truncated == [True] * 10


def test_where_sqlite_has_ended_it_what_failed_is_told(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an I/O error: there is nothing to commit any more, and that is not what went wrong."""
    box.many(3)
    connection = box.store.reading()
    found = Stored(connection, Correction(connection, box.moment), Wanted())

    def fails(*_: object) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(found, "next_ms", fails)
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        next(found.pages())
    connection.close()


def test_what_is_stored_meanwhile_is_for_the_next_time(box: Box) -> None:
    box.many(3)
    connection = box.store.reading()
    found = Stored(connection, Correction(connection, box.moment), Wanted())
    box.many(3)
    assert sum(len(page.runs) for page in found.pages()) == 3
    connection.close()


def test_hostile_texts_stay_in_their_field(box: Box, export: Any) -> None:
    with box.store.writing() as connection:
        run = runs.Run("collect", box.moment, metric="m", samples=[Sample("a.text", HOSTILE, {"k": HOSTILE, "=1": ""})])
        runs.add(connection, run)
    # Half a surrogate pair is stored as the six characters that name it.
    stored_as = HOSTILE.replace("\ud800", "\\ud800")
    (line,) = lines(export())
    assert line["texts"] == [stored_as]
    text = export("--format", "csv")
    assert len(text.splitlines()) == 2
    assert [char for char in text.decode() if not char.isprintable() and char != "\n"] == []
    (row,) = rows(text)
    assert json.loads(row["text"]) == stored_as
    assert not [field for field in row.values() if field.startswith(("=", "+", "-", "@", "\t"))]


def test_a_damaged_row_does_not_keep_the_others_back(box: Box, export: Any) -> None:
    box.many(6)
    box.many(1, start=6)
    for at, packed in enumerate(["", "{", "7", "[1]", "[1,2,3,4,5,6]", '[1e999,true,{"a":[]}]']):
        with box.store.writing() as connection:
            connection.execute("UPDATE runs SET packed = ? WHERE id = ?", (packed, START_MS + at * 1000))
    _rolled_up(box, "minutes", 60_000, START_MS, '["x",[],[1,2,3,4,5,6,7,8,9],8]')
    for form in ("jsonl", "csv"):
        said = export("--format", form)
        assert b"6000" in said
        assert b"nan" not in said.lower()
        assert form == "csv" or b"inf" not in said.lower()


def test_an_empty_database_is_an_empty_export(box: Box, export: Any) -> None:
    assert export() == b""
    assert len(export("--format", "csv").splitlines()) == 1


def test_a_file_is_whole_or_not_there(box: Box, export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    box.many(5)
    path = box.path / "out.jsonl.gz"
    path.write_bytes(b"before")
    with monkeypatch.context() as patched:
        patched.setattr(JsonLines, "page", lambda *_: os.kill(os.getpid(), 2))
        with pytest.raises(KeyboardInterrupt):
            command.main(["-o", str(path), "--force", "--database", box.store.path])
    assert (path.read_bytes(), [name for name in os.listdir(box.path) if "partial" in name]) == (b"before", [])
    assert export("-o", str(path), "--force") == b""
    assert len(lines(gzip.decompress(path.read_bytes()))) == 3
    again = path.read_bytes()
    export("-o", str(path), "--force")
    assert path.read_bytes() == again
    assert gzip.decompress(export("--gzip")) == export()


def test_what_is_there_is_replaced_only_if_asked(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.many(3)
    path = box.path / "kept.jsonl"
    path.write_bytes(b"mine")
    assert command.main(["-o", str(path), "--database", box.store.path]) == 2
    said = f"belabox-metrics export: {path}: is there already (take another name, or replace it with --force)\n"
    assert (capsys.readouterr().err, path.read_bytes()) == (said, b"mine")
    assert command.main(["-o", str(path), "--force", "--database", box.store.path]) == 0
    assert len(lines(path.read_bytes())) == 3


@pytest.mark.parametrize("kind", ["fifo", "link", "directory"])
def test_only_a_plain_file_is_replaced(tmp_path: Path, kind: str) -> None:
    """As root it could be /dev/null."""
    path = tmp_path / "out"
    {"fifo": os.mkfifo, "directory": os.mkdir, "link": lambda path: os.symlink("elsewhere", path)}[kind](path)
    before = os.lstat(path)
    with pytest.raises(UsageProblem), WholeFile(str(path), replace=True):
        pass
    assert (os.lstat(path), os.listdir(tmp_path)) == (before, ["out"])


def _piped(box: Box, then: str) -> subprocess.CompletedProcess[str]:
    script = f'/usr/bin/python3 -I {ROOT}/jobs/cli.py export --database "$0" {then}; echo "${{PIPESTATUS[0]}}" >&2'
    command = ["bash", "-c", script, box.store.path]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("options", ["", "--format csv", "--gzip"])
def test_a_reader_that_leaves_is_no_failure(box: Box, options: str) -> None:
    box.many(3000)
    done = _piped(box, f"{options} | head -c 10 | wc -c")
    assert (done.stdout.strip(), done.stderr) == ("10", "0\n")


def test_a_full_disk_is_said(box: Box) -> None:
    box.many(3)
    done = _piped(box, "> /dev/full")
    assert done.stderr == (
        "belabox-metrics export: stdout: can't be written: No space left on device"
        " (free some space, or write to another disk)\n1\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--metric", "cpu.usag\x1b"], 2, "there never was a sample of cpu.usag\\x1b"),
        (["--since", "soon"], 2, "--since"),
        (["-o", "/nowhere/there"], 2, "No such file or directory"),
        (["-o", "/"], 2, "is a directory"),
        (["--metric", "cpu\udcff"], 2, "there never was a sample of cpu\\udcff"),
        (["--database", "/nowhere/m.db"], 1, "no database yet"),
    ],
)
def test_what_can_not_be_done_is_said(
    box: Box, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert command.main(["--database", box.store.path, *words]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a\n=1", "\x1b]0;x\x07", "1", ""])
def test_a_name_is_no_formula_and_nothing_for_a_terminal(box: Box, export: Any, name: str) -> None:
    """Names of a database that was taken over are what they are."""
    box.run(Sample(name, 1.0), Sample("cpu.usage", 2.0))
    text = export("--format", "csv")
    assert [row["name"] for row in rows(text)] == [json.dumps(name), "cpu.usage"]
    assert all(byte >= 32 or byte == 10 for byte in text)


@pytest.mark.parametrize("session", ["=cmd|' /C calc'!A0", "two\nlines", "-1", "@a"])
def test_the_id_of_a_session_that_was_taken_over_is_no_formula_and_one_line(
    box: Box, export: Any, session: str
) -> None:
    with box.store.writing() as connection:
        connection.execute("INSERT INTO sessions (id, start_time, status) VALUES (?, ?, 'active')", (session, START_MS))
    box.run(Sample("n", 1))
    (row,) = rows(export("--format", "csv"))
    assert row["session_id"] == json.dumps(session)
