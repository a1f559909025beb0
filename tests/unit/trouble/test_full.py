"""A disk that others fill: one clear line, nothing stored is lost, uploads go on, and all resumes by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from belabox_metrics import clock, refused
from belabox_metrics.errors import Unwritable
from belabox_metrics.health import facts, judge
from belabox_metrics.store import reserve, room
from belabox_metrics.store.database import Store

from .box import PYTHON, ROOT, RUNS, Box, struck
from .remote import Remote

# Collections while the disk is full.
WHILE_FULL = 40
# By systemd, and not by hand.
STARTED = "0123456789abcdef0123456789abcdef"


def fill(path: Path) -> None:
    """All that is left of the disk, to the last block."""
    with path.open("wb", buffering=0) as others:
        while True:
            try:
                others.write(bytes(4096))
            except OSError:
                return


def storage(box: Box) -> tuple[str, str]:
    found = facts.read(Store(str(box.database)))
    report = judge.report(found, clock.now())
    verdict = report["components"]["storage"]
    return str(report["status"]), f"{verdict['status']}: {verdict['message']}"


def rows(box: Box) -> int:
    return int(str(box.sql("SELECT count(*) FROM runs")[0][0]))


def test_a_disk_of_4_mb_filled_by_others_while_collecting(small: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELABOX_METRICS_RUN", small.environment["BELABOX_METRICS_RUN"])
    small.environment["INVOCATION_ID"] = STARTED
    small.fill()
    others = small.folder / "others"
    stored = rows(small)
    fill(others)
    refusals = 0
    said = []
    for _ in range(WHILE_FULL):
        done = small.collect()
        assert done.returncode in (0, 75), done.stderr
        stored += done.returncode == 0
        refusals += done.returncode == 75
        if done.returncode == 75 and done.stderr:
            said += done.stderr.splitlines()
    assert refusals >= WHILE_FULL // 2
    assert len(said) == 1, "told once"
    assert "the disk is full" in said[0]
    assert rows(small) == stored
    status, message = storage(small)
    assert (status, message.startswith("error: nothing can be stored")) == ("error", True)
    assert f"{refusals} runs were refused" in message
    others.unlink()
    assert small.collect().returncode == 0
    assert rows(small) == stored + 1
    assert small.sql("PRAGMA integrity_check") == [("ok",)]
    assert storage(small)[1].startswith("degraded: there is room again")


def test_an_upload_on_a_full_disk_sends_writes_it_down_and_sends_nothing_twice(small: Box) -> None:
    remote = Remote()
    said = small.config.read_text().replace('url: ""', f"url: {remote.url}", 1)
    small.config.write_text(said.replace("  enabled: false", "  enabled: true", 1))
    for _ in range(30):
        assert small.collect().returncode == 0
    reserve.keep(str(small.database))
    assert (small.folder / "metrics.db.reserve").stat().st_blocks * 512 >= reserve.BYTES
    fill(small.folder / "others")
    while small.collect().returncode == 0:
        pass
    done = small.job("upload.py")
    assert done.returncode == 0, done.stderr
    assert not (small.folder / "metrics.db.reserve").exists()
    arrived = remote.arrived
    assert len(arrived) == len(set(arrived)) >= 30 * 5
    sent = len(arrived)
    # What was given back is room for samples too.
    assert small.collect().returncode == 0
    assert small.job("upload.py").returncode == 0
    assert len(remote.arrived) == sent + 5 == len(set(remote.arrived))
    (small.folder / "others").unlink()
    assert small.job("upload.py").returncode == 0
    assert (small.folder / "metrics.db.reserve").exists()
    remote.close()


def test_no_inode_left_is_told_as_a_full_disk_where_a_file_has_to_be_made(small: Box) -> None:
    taken = []
    for number in range(100):
        try:
            (small.folder / f"file-{number}").touch()
        except OSError:
            break
        taken.append(small.folder / f"file-{number}")
    done = small.collect()
    assert (done.returncode, "the disk is full" in done.stderr, len(done.stderr.splitlines())) == (75, True, 1)
    for path in taken:
        path.unlink()
    assert small.collect().returncode == 0


def test_a_database_that_is_there_needs_no_inode(small: Box) -> None:
    assert small.collect().returncode == 0
    taken = 0
    while True:
        try:
            (small.folder / f"file-{taken}").touch()
        except OSError:
            break
        taken += 1
    assert small.collect().returncode == 0


def test_a_file_system_that_is_read_only_for_a_while(small: Box) -> None:
    assert small.collect().returncode == 0
    before = rows(small)
    subprocess.run(["mount", "-o", "remount,ro", small.folder], check=True)
    try:
        done = small.collect()
        assert (done.returncode, "read-only" in done.stderr, len(done.stderr.splitlines())) == (75, True, 1), (
            done.stderr
        )
        assert room.free_bytes(str(small.database)) == 0
    finally:
        subprocess.run(["mount", "-o", "remount,rw", small.folder], check=True)
    assert small.collect().returncode == 0
    assert rows(small) == before + 1
    assert small.aside() == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_one_that_is_read_only_for_less_than_it_takes_to_ask_why(box: Box) -> None:
    done = box.job("collect.py", "memory.usage", before=struck("openat", error="EROFS", on=[box.database]))
    said = f"memory.usage: {box.database}: the database could not be written (it can by now; see journalctl -k)\n"
    assert (done.returncode, done.stderr) == (75, said)
    assert box.collect().returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be somebody else")
@pytest.mark.parametrize("beside", ["", "-shm"])
def test_a_database_of_somebody_else_does_not_pass(beside: str) -> None:
    nobody = 65534
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder))
        assert box.collect().returncode == 0
        for path in (box.folder, *box.folder.rglob("*")):
            os.chown(path, nobody, nobody)
        os.chown(f"{box.database}{beside}", 0, 0)
        done = box.job("collect.py", "memory.usage", before=["setpriv", "--reuid=65534", "--clear-groups"])
    assert (done.returncode, "must belong to the user" in done.stderr) == (1, True), done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_what_is_stored_can_be_read_where_files_open_for_writing_and_take_none(box: Box) -> None:
    """As ext4 is when it has given up its journal: it does not look read-only."""
    index, probe = f"{box.database}-shm", f"{box.database}.room"
    refusing = struck("ftruncate,write", "1+", error="EROFS", on=[index, probe])
    script = "import sys; from belabox_metrics.store.database import Store; connection = Store(sys.argv[1]).reading();"
    script += "print(connection.execute('SELECT count(*) FROM runs').fetchone()[0])"
    environment = {**box.environment, "PYTHONPATH": str(ROOT / "lib")}
    command = [*refusing, PYTHON, "-c", script, str(box.database)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{rows(box)}\n"), done.stderr


def test_a_disk_that_has_room_and_takes_nothing_is_an_error_until_something_is_stored(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELABOX_METRICS_RUN", box.environment["BELABOX_METRICS_RUN"])
    assert box.collect().returncode == 0
    refused.refused(Unwritable("the file system is read-only", where="x"), job="collect", metric="m", message_id="")
    status, message = storage(box)
    assert (status, message.startswith("error: nothing can be stored")) == ("error", True)
    assert "1 runs were refused" in message
    assert box.collect().returncode == 0
    assert storage(box)[1].startswith("degraded: there is room again")


def test_refusals_are_told_once_then_counted_and_told_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BELABOX_METRICS_RUN", str(tmp_path))
    monkeypatch.setenv("INVOCATION_ID", STARTED)
    now = 1_000_000
    monkeypatch.setattr(clock, "boottime_ms", lambda: now)
    problem = Unwritable("the disk is full")
    told = []
    for at in range(240):
        now = 1_000_000 + at * 5_000
        for metric in ("a", "b"):
            assert refused.refused(problem, job="collect", metric=metric, message_id="") == 75
            if capfd.readouterr().err:
                told.append((metric, at))
    assert told == [("a", 0), ("b", 0), ("a", 120), ("b", 120)]
    assert refused.standing(now) == (480, 239 * 5_000)
    assert refused.standing(now + refused.TELL_MS + 1) == (0, 0)
    # Another boot: its clock begins again.
    assert refused.standing(5_000) == (0, 0)
    (tmp_path / "refused.collect.a").write_text("what\n")
    assert refused.standing(now) == (240, 239 * 5_000)
    # To who asks for it by hand each is told, and that one counts as well.
    monkeypatch.delenv("INVOCATION_ID")
    for _ in range(2):
        refused.refused(problem, job="collect", metric="b", message_id="")
        assert capfd.readouterr().err == "b: the disk is full\n"
    assert refused.standing(now)[0] == 242
    monkeypatch.setenv("INVOCATION_ID", STARTED)
    # Where even this can't be remembered each is told.
    monkeypatch.setenv("BELABOX_METRICS_RUN", "/nonexistent")
    for _ in range(2):
        refused.refused(problem, job="collect", metric="a", message_id="")
        assert capfd.readouterr().err.count("\n") == 1


def test_health_asks_to_be_told_that_a_damaged_one_was_seen(small: Box) -> None:
    small.fill()
    small.database.write_bytes(bytes(2048))
    Path(f"{small.database}-wal").unlink()
    assert small.collect().returncode == 0
    assert "being brought over" in storage(small)[1]
    assert small.job("recover.py").returncode == 0
    (aside,) = small.aside()
    assert json.loads(Path(f"{aside}.note").read_text())["salvaged"] is True
    assert ", 0 runs of it with 0 samples were salvaged, " in storage(small)[1]
    assert "doctor --acknowledge" in storage(small)[1]
    from belabox_metrics.store import quarantine

    quarantine.acknowledge(str(small.database))
    assert "damaged" not in storage(small)[1]
    assert os.path.exists(aside)


def test_what_was_damaged_comes_back_when_there_is_room_and_that_there_is_none_is_told_once(small: Box) -> None:
    small.environment["INVOCATION_ID"] = STARTED
    small.fill()
    store = Store(str(small.database))
    with store.writing(checkpoint_first=True):
        pass
    small.write(0, bytes(100))
    assert small.collect().returncode == 0
    reserve.keep(str(small.database))
    fill(small.folder / "others")
    done = [small.job("recover.py") for _ in range(3)]
    assert [one.returncode for one in done] == [75] * 3
    assert [len(one.stderr.splitlines()) for one in done] == [1, 0, 0], [one.stderr for one in done]
    assert Path(small.environment["BELABOX_METRICS_RECOVER"]).exists()
    (small.folder / "others").unlink()
    assert small.job("recover.py").returncode == 0
    assert small.past() == list(range(RUNS))
