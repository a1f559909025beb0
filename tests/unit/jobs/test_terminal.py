"""What a device or a program has put into a text does nothing to the terminal of whoever looks at it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import clock, sessions
from belabox_metrics.cli import COMMANDS
from belabox_metrics.query import command as query
from belabox_metrics.sample import Sample
from belabox_metrics.status import command as status
from belabox_metrics.store import runs
from belabox_metrics.store.compiled import replace_settings
from belabox_metrics.store.database import Store

# Red, a bell, another title for the window, the line before overwritten.
HOSTILE = "\x1b[31mred\x07\x1b]0;title\x07\r\nsecond \x9b2J end"


TIMER = {"interval_ms": 10_000, "scheduled": 1}


@pytest.fixture
def database(tmp_path: Path) -> str:
    store = Store(str(tmp_path / "metrics.db"))
    with store.writing() as connection:
        samples = [Sample("m.text", HOSTILE, {"device": HOSTILE})]
        runs.add(connection, runs.Run("collect", clock.now(), metric="m", samples=samples))
        runs.add(connection, runs.Run("collect", clock.now(), metric="n", outcome=runs.FAILED, error=HOSTILE))
        # And half a surrogate pair, which no terminal can show.
        connection.execute(
            "INSERT INTO sessions (id, start_time, status, metadata) VALUES ('s', 1, 'active', ?)",
            (json.dumps({"relay": f"{HOSTILE}\ud800"}),),
        )
    replace_settings(store.path, [(f"metrics/{name}", key, 0, value) for name in "mn" for key, value in TIMER.items()])
    return store.path


@pytest.mark.parametrize(
    ("main", "words"),
    [(status.main, []), (query.main, ["m"]), (sessions.main, [])],
    ids=["status", "query", "sessions"],
)
def test_texts_do_nothing_to_a_terminal(
    database: str, capsys: pytest.CaptureFixture[str], main: Callable[[list[str]], int], words: list[str]
) -> None:
    assert main([*words, "--database", database]) == 0
    said = capsys.readouterr().out
    assert "red" in said
    assert [char for char in said if not char.isprintable() and char != "\n"] == []
    assert "\nsecond" not in said


@pytest.mark.parametrize(
    "words", [["status"], ["query", "m"], ["sessions"], ["report"], ["export"], ["snapshot", "copy.db"], ["verify"]]
)
def test_nor_do_they_when_a_command_fails(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = import_module(f"belabox_metrics.{COMMANDS[words[0]][0]}").main
    # To verify, 1 is that something is missing on the server.
    assert main([*words[1:], "--database", f"{tmp_path}/\x1b[31mred"]) == (75 if words == ["verify"] else 1)
    said = capsys.readouterr().err
    assert said.startswith(f"belabox-metrics {words[0]}: {tmp_path}/\\x1b[31mred: there is no database yet")
    assert said.count("\n") == 1
    assert "\x1b" not in said
