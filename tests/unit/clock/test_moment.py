"""What tells that the clock was set, whoever did it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from belabox_metrics import clock, timekeeper


def program(root: Path, text: str) -> str:
    """A timedatectl below `root`."""
    path = root / "usr/bin/timedatectl"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(root)


# What timedatectl 252 prints for: show --property=NTPSynchronized --value
ANSWERS = [
    pytest.param("echo yes", True, id="kept"),
    pytest.param("echo no", False, id="not kept"),
    pytest.param("echo", False, id="nothing"),
    pytest.param("echo yes; exit 1", False, id="failed"),
    pytest.param("echo 'Failed to connect to bus' >&2; exit 1", False, id="no bus"),
    pytest.param("yes yes", False, id="without end"),
    pytest.param("kill -9 $$", False, id="killed"),
    pytest.param("printf '\\377\\376yes'", False, id="bytes"),
]


@pytest.mark.parametrize(("text", "kept"), ANSWERS)
def test_timedatectl_is_asked(tmp_path: Path, text: str, kept: bool) -> None:
    assert timekeeper.is_at_work(program(tmp_path, text)) is kept


def test_it_is_asked_for_one_property(tmp_path: Path) -> None:
    """Each further one would be another question over the bus."""
    said = tmp_path / "said"
    timekeeper.is_at_work(program(tmp_path, f'echo "$@" >{said}'))
    assert said.read_text() == "show --property=NTPSynchronized --value\n"


def test_a_box_without_it_can_not_tell(tmp_path: Path) -> None:
    assert not timekeeper.is_at_work(str(tmp_path))


def test_either_mark_tells(tmp_path: Path) -> None:
    marks = (str(tmp_path / "timesyncd"), str(tmp_path / "ours"))
    assert not clock.now(marks).synchronized
    timekeeper.mark(marks[1])
    assert clock.now(marks).synchronized
    timekeeper.mark(marks[1])  # a second time is no fault
    os.rename(marks[1], marks[0])
    assert clock.now(marks).synchronized


def test_no_directory_and_no_link_is_followed(tmp_path: Path) -> None:
    timekeeper.mark(str(tmp_path / "missing" / "mark"))
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    timekeeper.mark(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["link"]


def test_a_clock_that_is_set_meanwhile_does_not_vouch_for_the_time_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"

    def set_now() -> int:
        mark.touch()
        return 5_000_000

    monkeypatch.setattr(time, "time_ns", set_now)
    moment = clock.now((str(mark),))
    assert (moment.wall_ms, moment.synchronized) == (5, False)
