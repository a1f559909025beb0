"""Which streams `sessions` lists for a time that a person wrote."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import sessions
from belabox_metrics.store.database import Store

HOUR_MS = 3_600_000


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A stream of three days ago, one that ended an hour and a half ago, one that is live for half an hour."""
    store = Store(str(tmp_path / "metrics.db"))
    now_ms = time.time_ns() // 1_000_000
    rows = [("old", 74, 72.0, "completed"), ("late", 3, 1.5, "failed"), ("live", 0.5, None, "active")]
    with store.writing() as connection:
        for name, begun, ended, status in rows:
            end_ms = None if ended is None else now_ms - int(ended * HOUR_MS)
            connection.execute(
                "INSERT INTO sessions (id, start_time, end_time, status, metadata) VALUES (?, ?, ?, ?, '{}')",
                (name, now_ms - int(begun * HOUR_MS), end_ms, status),
            )
    store.close()
    return store.path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["live", "late", "old"]),
        (["--since", "2h"], ["live", "late"]),
        (["--since", "90s"], ["live"]),
        (["--since", "80h", "--until", "2d"], ["old"]),
        (["--since", "80h", "--until", "2h"], ["late", "old"]),
        (["--since", "80h", "--limit", "1"], ["live"]),
        (["--since", "60h", "--until", "20h"], []),
    ],
)
def test_those_of_a_time(
    database: str, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: list[str]
) -> None:
    assert sessions.main([*arguments, "--json", "--database", database]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == expected


def test_the_zone_and_an_empty_time_are_told(
    database: str, capsys: pytest.CaptureFixture[str], zone: Callable[[str], None]
) -> None:
    zone("MET-1")
    assert sessions.main(["--database", database]) == 0
    assert "  start, MET  " in capsys.readouterr().out
    assert sessions.main(["--since", "60h", "--until", "50h", "--database", database]) == 0
    assert capsys.readouterr().err.startswith("no stream has been recorded from ")


def test_what_is_no_time_is_refused(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sessions.main(["--since", "tomorrow", "--database", database]) == 2
    assert "sessions: --since: 'tomorrow' is no time (write 90m, 14:00, today," in capsys.readouterr().err
