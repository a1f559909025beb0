"""What each command leaves with: 0 done, 1 failed, 2 usage, 75 try again later, 78 configuration; one line why, and no
traceback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from belabox_metrics import cli, clock
from belabox_metrics.sample import Sample
from belabox_metrics.store import queue, runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

if TYPE_CHECKING:
    from belabox_metrics.store.compiled import Row

ROOT = Path(__file__).parents[3]
CONFIG = "device: {id: box}\nmetrics:\n  - {name: memory.usage, interval: 30s}\n"
# They are about a database, and leave one alone that is not theirs.
READERS = ("status", "query", "sessions", "report", "export", "snapshot", "verify")
# One says by 1 that something is missing on the server.
UNREAD = {"verify": 75}
WORDS = {
    "collect": ["memory.usage"],
    "query": ["memory.usage"],
    "snapshot": ["COPY"],
    "receiver": ["--port", "0"],
    "doctor": ["--only", "database"],
}


class Box:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.config.write_text(CONFIG)
        self.database = path / "metrics.db"
        with Store(str(self.database)).writing() as connection:
            samples = [Sample("memory.used_bytes", 1.0, {})]
            runs.add(connection, runs.Run("collect", clock.now(), metric="memory.usage", samples=samples))
        replace_settings(str(self.database), [("remote", "enabled", 0, 0), ("device", "id", 0, "box")])

    def run(self, word: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "BELABOX_METRICS_CONFIG": str(self.config),
            "BELABOX_METRICS_DATABASE": str(self.database),
            "BELABOX_METRICS_ROOT": str(ROOT / "tests/fixtures/orangepi5plus"),
        }
        command = ["/usr/bin/python3", "-I", str(ROOT / "jobs/cli.py"), word, *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def usual(self, word: str) -> list[str]:
        return [str(self.path / "copy") if argument == "COPY" else argument for argument in WORDS.get(word, [])]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.mark.parametrize("word", cli.COMMANDS)
def test_an_unknown_option_is_usage(box: Box, word: str) -> None:
    done = box.run(word, *box.usual(word), "--no-such-option")
    assert done.returncode == 2
    assert "--no-such-option" in done.stderr


@pytest.mark.parametrize("word", ["collect", "query", "snapshot"])
def test_what_is_left_out_is_usage(box: Box, word: str) -> None:
    assert box.run(word).returncode == 2


@pytest.mark.parametrize(
    "words",
    [
        ["collect", "no.such"],
        ["query", "memory.usage", "--since", "soon"],
        ["export", "--since", "soon"],
        ["verify", "--since", "soon"],
        ["sessions", "--limit", "0"],
        ["doctor", "--only", "nothing"],
        ["receiver", "--retry-after", "1"],
    ],
    ids=" ".join,
)
def test_a_value_that_does_not_exist_is_usage(box: Box, words: list[str]) -> None:
    done = box.run(*words)
    assert done.returncode == 2
    assert done.stderr


@pytest.mark.parametrize("word", READERS)
def test_no_database_is_a_failure_in_one_line(box: Box, word: str) -> None:
    box.database.unlink()
    done = box.run(word, *box.usual(word))
    assert done.returncode == UNREAD.get(word, 1)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not box.database.exists()


@pytest.mark.parametrize("word", READERS)
def test_what_is_no_database_is_a_failure_in_one_line(box: Box, word: str) -> None:
    for end in ("-wal", "-shm"):
        Path(f"{box.database}{end}").unlink(missing_ok=True)
    box.database.write_text("not what you think " * 200)
    done = box.run(word, *box.usual(word))
    assert done.returncode == UNREAD.get(word, 1)
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("word", ["check", "apply"])
@pytest.mark.parametrize("text", ["metrics: 7\n", "", "\x00", "- a\n", "device: {id: box}\nno_such: 1\n"])
def test_a_broken_configuration(box: Box, word: str, text: str) -> None:
    box.config.write_text(text)
    done = box.run(word, *(["--dry-run"] if word == "apply" else []))
    assert done.returncode == 78
    assert str(box.config) in done.stderr


@pytest.mark.parametrize("word", ["status", "query", "sessions", "collect", "export", "snapshot"])
def test_a_broken_configuration_keeps_nobody_from_looking(box: Box, word: str) -> None:
    box.config.write_text("metrics: 7\n")
    assert box.run(word, *box.usual(word)).returncode == 0


def remote(box: Box, url: str, **more: str) -> None:
    tls = [("remote.tls", key, 0, value) for key, value in more.items()]
    rows: list[Row] = [("remote", "enabled", 0, 1), ("remote", "url", 0, url), ("device", "id", 0, "box"), *tls]
    replace_settings(str(box.database), rows)


@pytest.mark.parametrize("word", ["upload", "verify"])
def test_a_server_that_is_not_there_is_for_later(box: Box, word: str) -> None:
    remote(box, "http://127.0.0.1:9/api/v1/import")
    if word == "verify":
        with Store(str(box.database)).writing() as connection:
            # As if it had been sent: it asks for that alone.
            queue.advance(connection, 2, queue.frontier(connection))
            queue.count(connection, 2, sent=1)
    done = box.run(word)
    assert done.returncode == 75
    assert "127.0.0.1:9" in done.stderr


@pytest.mark.parametrize("word", ["upload", "verify"])
def test_a_certificate_that_is_not_there_is_configuration(box: Box, word: str) -> None:
    remote(box, "https://127.0.0.1:9/api/v1/import", ca_file=str(box.path / "none.pem"))
    done = box.run(word)
    assert done.returncode == 78
    assert "none.pem" in done.stderr


@pytest.mark.parametrize("word", ["status", "sessions", "query", "check", "collect", "doctor", "export"])
def test_done(box: Box, word: str) -> None:
    words = ["--dry-run"] if word == "collect" else []
    assert box.run(word, *box.usual(word), *words).returncode == 0


@pytest.mark.parametrize("word", ["status", "check", "doctor", "sessions", "query"])
def test_for_a_program_stdout_is_json_alone(box: Box, word: str) -> None:
    done = box.run(word, *box.usual(word), "--json")
    assert done.returncode == 0
    lines = done.stdout.splitlines() if word in ("sessions", "query") else [done.stdout]
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_a_broken_configuration_is_json_too(box: Box) -> None:
    box.config.write_text("metrics: 7\n")
    done = box.run("check", "--json")
    assert (done.returncode, done.stderr) == (78, "")
    assert json.loads(done.stdout)["ok"] is False
