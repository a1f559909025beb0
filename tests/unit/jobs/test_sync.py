"""What belabox-metrics-sync.service runs, in the words of the unit; on a disk that forgets: tests/faults/powercut."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[3] / "units/belabox-metrics-sync.service"


def sync(database: Path) -> subprocess.CompletedProcess[str]:
    text = UNIT.read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    words = [
        word.replace("${BELABOX_METRICS_DATABASE}", str(database)).replace("$$", "$") for word in shlex.split(line)
    ]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("there", [True, False])
def test_a_log_is_synced_where_there_is_one(tmp_path: Path, there: bool) -> None:
    database = tmp_path / "of a box.db"
    if there:
        Path(f"{database}-wal").write_bytes(b"stored")
    done = sync(database)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("by_a_link", [False, True])
def test_what_can_not_be_synced_is_told(tmp_path: Path, by_a_link: bool) -> None:
    """A pipe: nothing that this machine can do makes its disk refuse."""
    database = tmp_path / "metrics.db"
    log = Path(f"{database}-wal")
    os.mkfifo(log)
    if by_a_link:
        database = tmp_path / "linked.db"
        database.symlink_to("metrics.db")
    done = sync(database)
    assert done.returncode == 74
    assert str(log) in done.stderr


def test_a_database_that_links_lead_nowhere_from_is_not_taken_for_synced(tmp_path: Path) -> None:
    database = tmp_path / "metrics.db"
    database.symlink_to("metrics.db")
    assert sync(database).returncode == 74
