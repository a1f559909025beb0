"""What a person sees who brings the rows in by hand."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess

import pytest

from belabox_metrics import takeover
from belabox_metrics.store.compiled import replace_settings

from .conftest import PYTHON, ROOT, Box


def run(box: Box) -> int:
    return takeover.main(["--database", str(box.path)])


def test_it_says_what_came_and_the_file_is_gone(box: Box, capfd: pytest.CaptureFixture[str]) -> None:
    box.go("go-v2.sql")
    assert run(box) == 0
    assert "88 rows of metrics.db.go-v2 are in, as 48 runs; that is all of them" in capfd.readouterr().err
    assert box.kept() == []
    assert run(box) == 0
    assert capfd.readouterr().out == "no database of the Go system is left to take over\n"


def test_rows_that_stay_are_named(box: Box, capfd: pytest.CaptureFixture[str]) -> None:
    box.go("go-v2.sql", "UPDATE metrics SET timestamp_ms = 'soon' WHERE id = 1")
    assert run(box) == 0
    assert "1 could not be read or have no time or name, the file is kept for them" in capfd.readouterr().err


def test_another_database_is_told_from_it(box: Box, capfd: pytest.CaptureFixture[str]) -> None:
    box.path.write_text("this is no database, and it is long enough for one to be asked whether it is " * 4)
    assert run(box) == 1
    assert "not a database" in capfd.readouterr().err


def test_a_bar_is_on_a_terminal_and_nowhere_else(box: Box) -> None:
    box.go("go-v2.sql")
    ours, theirs = pty.openpty()
    command = [*PYTHON, str(ROOT / "tests/unit/takeover/whole.py"), str(box.path)]
    subprocess.run(command, stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    shown = ""
    with contextlib.suppress(OSError):  # Linux says EIO at its end; what was written comes in pieces
        while piece := os.read(ours, 65536):
            shown += piece.decode()
    os.close(ours)
    assert "88 of 88" in shown
    # The bar is taken away before the sentence.
    assert "\x1b[K88 rows of metrics.db.go-v2 are in" in shown


def test_the_job_that_recovers_is_asked_for_and_brings_the_rows_in(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = box.folder / "recover-wanted"
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(wanted))
    monkeypatch.setenv("BELABOX_METRICS_DATABASE", str(box.path))
    box.go("go-v2.sql")
    assert box.collect().returncode == 0
    assert wanted.exists()
    subprocess.run([*PYTHON, str(ROOT / "jobs/recover.py")], check=True, timeout=60)
    assert box.kept() == []
    assert not wanted.exists()
    assert box.sql("SELECT count(*) FROM metrics WHERE timestamp_ms < 1770000000000") == [(88,)]


@pytest.mark.parametrize(("name", "told"), [("belabox-001", False), ("belabox-77", True)])
def test_another_name_of_the_box_is_told(box: Box, capfd: pytest.CaptureFixture[str], name: str, told: bool) -> None:
    box.go("go-v2.sql")
    replace_settings(str(box.path), [("device", "id", 0, name)])
    assert run(box) == 0
    assert (f"called this box belabox-001, what it had not sent goes as {name}" in capfd.readouterr().err) is told
