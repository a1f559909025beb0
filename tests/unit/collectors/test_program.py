"""Programs of the box: real ones, and small scripts that misbehave."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import program
from belabox_metrics.errors import NoData, SourceProblem, TryLater

SOON = 60_000
Script = Callable[[str], str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """script("echo a") -> the path of a program that does so."""

    def script(text: str) -> str:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return script


def alive(pid: int) -> bool:
    """A zombie counts as dead: whoever inherited it has yet to ask."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_output_and_exit_code(script: Script) -> None:
    ended = program.run([script("echo out $1; echo err >&2; exit 3"), "a b;$(c)"], SOON)
    assert (ended.code, ended.out, ended.err) == (3, "out a b;$(c)\n", "err\n")


def test_a_signal_is_a_negative_code(script: Script) -> None:
    ended = program.run([script("kill -SEGV $$")], SOON)
    assert ended.code == -11
    assert ended.complaint() == "was ended by signal 11"


def test_what_it_is_given(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/x")
    ended = program.run([script("env; cat; trap; echo group $(ps -o pgid= -p $$) $$")], SOON)
    lines = ended.out.split("\n")
    assert "LC_ALL=C.UTF-8" in lines
    assert "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/x" in lines
    assert "SECRET" not in ended.out
    assert "LANG" not in ended.out
    group, own = lines[-2].split()[1:]
    assert group == own


def test_it_is_not_deaf_to_a_broken_pipe(script: Script) -> None:
    """The interpreter is; `yes` would then complain instead of ending."""
    assert program.run([script("yes | head -1")], SOON).err == ""


def test_bytes_that_are_no_text(script: Script) -> None:
    assert program.run([script(r"printf 'a\377b\0'")], SOON).out == "a\\xffb\0"


def test_one_that_hangs_is_killed_with_all_it_started(script: Script, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    path = script(f"trap '' TERM INT HUP; sleep 1000 & echo $! $$ >{pids}; echo said; wait")
    # On a busy machine it is killed before it has got so far, and tried once more.
    for timeout_ms in (500, 5_000, 50_000):
        with pytest.raises(TryLater, match="program: did not end in time"):
            program.run([path], timeout_ms)
        if pids.exists() and len(pids.read_text().split()) == 2:
            break
    started, own = map(int, pids.read_text().split())
    assert not alive(own)
    began = time.monotonic()
    while alive(started):  # killed, but its end may take the kernel a moment
        assert time.monotonic() - began < 60
        time.sleep(0.01)


def test_one_that_closes_its_outputs_and_stays(script: Script) -> None:
    with pytest.raises(TryLater, match="did not end in time"):
        program.run([script("exec >&- 2>&-; exec sleep 1000")], 300)


def test_one_whose_child_keeps_the_output(script: Script) -> None:
    with pytest.raises(TryLater, match="did not end in time"):
        program.run([script("sleep 1000 & exit 0")], 300)


@pytest.mark.parametrize("where", ["", ">&2"])
def test_one_that_prints_for_ever(script: Script, where: str) -> None:
    with pytest.raises(SourceProblem, match="prints more than 1000 bytes"):
        program.run([script(f"exec yes {where}")], SOON, 1000)


def test_one_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_text("nothing that a kernel knows")
    path.chmod(0o755)
    for wrong in (str(path), str(tmp_path / "missing"), str(tmp_path)):
        with pytest.raises(SourceProblem, match="can't be started"):
            program.run([wrong], SOON)


def test_nothing_is_left_open_or_unburied(script: Script) -> None:
    path = script("exit 0")
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = os.listdir("/proc/self/fd"), children.read_text()
    for command in ([path], [path], ["/missing"]):
        try:
            program.run(command, SOON)
        except SourceProblem:
            continue
    assert (os.listdir("/proc/self/fd"), children.read_text()) == before


def test_programs_are_looked_for_below_the_root(tmp_path: Path) -> None:
    with pytest.raises(NoData) as caught:
        program.find(str(tmp_path), "mmcli", "modemmanager")
    assert str(caught.value) == "mmcli is not installed (package modemmanager)"
    path = tmp_path / "usr/bin/mmcli"
    path.parent.mkdir(parents=True)
    path.write_text("")
    with pytest.raises(NoData):
        program.find(str(tmp_path), "mmcli", "modemmanager")
    path.chmod(0o755)
    assert program.find(str(tmp_path), "mmcli", "modemmanager") == str(path)
    # Where /bin is a directory of its own, as it may be in Debian 11, a shell is only there.
    assert program.find("", "sh", "dash") in ("/usr/bin/sh", "/bin/sh")


@pytest.mark.parametrize(
    ("out", "err", "says"),
    [
        ("", "error: x\nmore\n", "error: x"),
        ("\n\nlast\n", "", "last"),
        ("", "\x1b[31mred", "'\\x1b[31mred'"),
        ("", "", "ended with exit code 1"),
    ],
)
def test_a_complaint_is_one_line(out: str, err: str, says: str) -> None:
    assert program.Ended(1, out, err).complaint() == says
