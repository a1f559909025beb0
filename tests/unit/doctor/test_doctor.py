"""What the doctor finds: nothing where all is well, and each fault by its own words with what to do."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from belabox_metrics import recover
from belabox_metrics.doctor import collectors, command, disk, programs
from belabox_metrics.errors import TryLater
from belabox_metrics.store import quarantine, runs

if TYPE_CHECKING:
    from .conftest import Patient

TARGET = "belabox-metrics.target"
TIMER = "belabox-metrics@cpu.usage.timer"
# Also of this machine, which is none of the box's: its clock and its disk.
HERE = ("clock", "disk")


@pytest.mark.parametrize("group", [name for name in command.GROUPS if name not in HERE])
def test_a_healthy_box_has_nothing(patient: Patient, group: str) -> None:
    assert patient.findings(group) == []
    assert patient.well(group)


FAULTS: list[tuple[str, str, Callable[[Patient], object], list[str]]] = [
    (
        "a mistake in the configuration",
        "configuration",
        lambda it: it.config.write_text("device: {id: box}\nmetrics: 7\n"),
        ["problem /etc/belabox-metrics/config.yaml:2: metrics: is not a list"],
    ),
    (
        "an edit that was not applied",
        "configuration",
        lambda it: it.config.write_text(it.config.read_text().replace("10s", "20s")),
        ["problem /etc/belabox-metrics/config.yaml: is not what the jobs work by"],
    ),
    (
        "settings that a card gave back otherwise, or their sum",
        "configuration",
        lambda it: it.sql("UPDATE settings SET value = value + 1 WHERE key = 'crc32'"),
        ["problem /etc/belabox-metrics/config.yaml: is not what the jobs work by"],
    ),
    (
        "stopped",
        "units",
        lambda it: it.systemd.tell(TARGET, ActiveState="inactive"),
        [f"problem {TARGET}: is not active: nothing is collected"],
    ),
    (
        "not enabled",
        "units",
        lambda it: it.systemd.tell(TARGET, UnitFileState="disabled"),
        [f"problem {TARGET}: will not start at the next boot"],
    ),
    (
        "a stopped timer",
        "units",
        lambda it: it.systemd.tell(TIMER, ActiveState="inactive"),
        [f"problem {TIMER}: is inactive"],
    ),
    (
        "a masked timer",
        "units",
        lambda it: it.systemd.tell(TIMER, LoadState="masked", ActiveState="failed"),
        [f"note {TIMER}: is masked, which somebody did by hand"],
    ),
    (
        "a lost timer",
        "units",
        lambda it: it.systemd.tell(TIMER, LoadState="not-found"),
        [f"problem {TIMER}: does not exist"],
    ),
    (
        "a failed service",
        "units",
        lambda it: it.systemd.tell("belabox-metrics@gps.service", ActiveState="failed", Result="oom-kill"),
        ["problem belabox-metrics@gps.service: failed (oom-kill)"],
    ),
    (
        "an override",
        "units",
        lambda it: it.systemd.tell(TIMER, DropInPaths=f"/etc/systemd/system/{TIMER}.d/mine.conf"),
        [f"note {TIMER}: is changed by /etc/systemd/system/{TIMER}.d/mine.conf"],
    ),
    (
        "an edited timer",
        "units",
        lambda it: (it.path / "etc/systemd/system" / TIMER).write_text(
            "# Written by `belabox-metrics apply`: edits are lost. What it says comes from config.yaml.\n[Timer]\n"
        ),
        [f"problem /etc/systemd/system: 1 files are not what the configuration makes of them, as {TIMER}"],
    ),
    (
        "a unit of another version",
        "units",
        lambda it: (it.path / "usr/lib/systemd/system/belabox-metrics@.service").write_text("[Service]\n"),
        ["problem /usr/lib/systemd/system: 1 are missing or of another version, as belabox-metrics@.service"],
    ),
    (
        "no systemd",
        "units",
        lambda it: setattr(it.systemd, "there", False),
        ["note systemd is not running here, so nothing is started by itself"],
    ),
    (
        "a token for all to read",
        "files",
        lambda it: _file(it.config.parent / "api-token", 0o644),
        ["problem /etc/belabox-metrics/api-token: can be read by others: its mode is 0644, not 0600"],
    ),
    (
        "a configuration for all to write",
        "files",
        lambda it: it.config.chmod(0o666),
        ["problem /etc/belabox-metrics/config.yaml: can be written by others: its mode is 0666, not 0640"],
    ),
    (
        "a database that can't be written",
        "files",
        lambda it: it.database.chmod(0o440),
        ["problem /var/lib/belabox-metrics/metrics.db: can't be used by the jobs: its mode is 0440, not 0640"],
    ),
    (
        "a database that its group can't read",
        "files",
        lambda it: it.database.chmod(0o600),
        ["problem /var/lib/belabox-metrics/metrics.db: is not for its group to read"],
    ),
    (
        "a folder that its group can't enter",
        "files",
        lambda it: it.database.parent.chmod(0o700),
        ["problem /var/lib/belabox-metrics: is not for its group to read"],
    ),
    (
        "no byte code",
        "files",
        lambda it: shutil.rmtree(it.library / "package/__pycache__"),
        ["problem /usr/lib/belabox-metrics/lib: 1 modules have no byte code that fits, as module.py"],
    ),
    (
        "stale byte code",
        "files",
        lambda it: (it.library / "package/module.py").write_text("ANSWER = 42\n"),
        ["problem /usr/lib/belabox-metrics/lib: 1 modules have no byte code that fits, as module.py"],
    ),
    (
        "a text in place of the database",
        "database",
        lambda it: _text(it.database),
        ["problem /var/lib/belabox-metrics/metrics.db: this file is not a database"],
    ),
    (
        "a newer database",
        "database",
        lambda it: _sql(it.database, "PRAGMA user_version=999"),
        ["problem /var/lib/belabox-metrics/metrics.db: the database "],
    ),
    (
        "no database",
        "database",
        lambda it: it.database.unlink(),
        ["problem /var/lib/belabox-metrics/metrics.db: there is no database yet"],
    ),
    (
        "a failing collector",
        "collectors",
        lambda it: it.collect(outcome=runs.FAILED, error="/proc/stat: is empty"),
        ["problem cpu.usage: /proc/stat: is empty"],
    ),
    (
        "a collector without a source",
        "collectors",
        lambda it: it.collect(outcome=runs.NO_DATA, error="no such thing"),
        ["note cpu.usage: has nothing to read: no such thing"],
    ),
    (
        "no such program",
        "programs",
        lambda it: _schedule_modem(it),
        ["note mmcli: is not installed: without it modem lacks the signal of modems"],
    ),
]


def _file(path: os.PathLike[str], mode: int) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write("secret")
    os.chmod(path, mode)


def _text(path: os.PathLike[str]) -> None:
    for end in ("-wal", "-shm"):
        os.unlink(f"{os.fspath(path)}{end}")
    with open(path, "w", encoding="utf-8") as file:
        file.write("this is no database at all, but long enough to be one: " * 40)


def _sql(path: os.PathLike[str], statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()


def _schedule_modem(it: Patient) -> None:
    it.configure(text="device: {id: box}\nmetrics: [{name: modem, interval: 30s}]\n")
    (it.path / "usr/bin/mmcli").unlink()


@pytest.mark.parametrize(
    ("group", "break_it", "expected"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_each_fault_is_found(
    patient: Patient,
    group: str,
    break_it: Callable[[Patient], object],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if group == "programs":
        monkeypatch.setattr("belabox_metrics.program.DIRECTORIES", ("/usr/bin",))
    break_it(patient)
    found = patient.findings(group)
    assert len(found) == len(expected), found
    for line, beginning in zip(found, expected):
        assert line.startswith(beginning)


def test_every_problem_says_what_to_do(patient: Patient) -> None:
    patient.systemd.tell(TARGET, ActiveState="inactive")
    patient.systemd.tell("belabox-metrics@gps.service", ActiveState="failed", Result="timeout")
    patient.config.chmod(0o666)
    patient.collect(outcome=runs.FAILED, error="broken")
    found = command.examine(patient.box(), [name for name in command.GROUPS if name not in HERE])
    problems = [finding for findings in found.values() for finding in findings if finding.level == "problem"]
    assert len(problems) == 4
    assert all(finding.hint for finding in problems)


def test_many_that_are_late_are_one_finding(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collectors, "FEW", 0)
    with sqlite3.connect(patient.database) as connection:
        connection.execute("UPDATE jobs SET last_boottime_ms = last_boottime_ms - 10000000")
        connection.execute("UPDATE runs SET boottime_ms = boottime_ms - 10000000")
        connection.execute("UPDATE jobs SET done_boottime_ms = done_boottime_ms - 10000000")
    assert patient.findings("collectors") == ["problem 1 are not collected when they are due: cpu.usage"]


@pytest.mark.parametrize(
    ("break_it", "group"),
    [
        (lambda it: it.config.chmod(0o666), "files"),
        (lambda it: it.database.chmod(0o440), "files"),
        (lambda it: shutil.rmtree(it.library / "package/__pycache__"), "files"),
        (lambda it: (it.path / "etc/systemd/system" / TIMER).unlink(), "units"),
        (lambda it: it.systemd.tell(TIMER, NeedDaemonReload="yes"), "units"),
        (lambda it: it.config.write_text(it.config.read_text().replace("10s", "20s")), "configuration"),
    ],
)
def test_what_can_be_repaired_is(patient: Patient, break_it: Callable[[Patient], object], group: str) -> None:
    break_it(patient)
    assert patient.findings(group)
    done = patient.repair(group)
    assert len(done) == 1
    assert done[0].startswith("repaired: ")
    assert patient.findings(group) == []
    assert patient.repair(group) == []


def test_a_damaged_database_is_told_until_somebody_has_seen_it(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    aside = quarantine.move(str(patient.database), "database disk image is malformed")
    patient.configure()
    (found,) = patient.findings("database")
    assert found.startswith("problem /var/lib/belabox-metrics/metrics.db.damaged-")
    assert found.endswith("what can be read of it is not brought over yet")
    aside.salvaged, aside.runs, aside.samples, aside.gaps = True, 7, 70, 1
    aside.note()
    (found,) = patient.findings("database")
    assert "7 runs with 70 samples were brought over, 0 could not be read, and there are 1 gaps" in found
    words = ["--only", "database", "--config", str(patient.config), "--database", str(patient.database)]
    assert command.main([*words, "--root", str(patient.path)]) == 1
    assert command.main([*words, "--root", str(patient.path), "--acknowledge"]) == 0
    assert "acknowledged: 1 damaged databases that were moved aside" in capsys.readouterr().out
    (found,) = patient.findings("database")
    assert found.startswith("note ")


@pytest.mark.parametrize("is_slow", [True, False])
def test_a_database_that_is_damaged_is_looked_over_by_a_repair(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    """The job that does so finds nothing to do unless somebody has asked for it."""
    monkeypatch.setenv("BELABOX_METRICS_RECOVER", str(patient.path / "wanted"))
    monkeypatch.setenv("BELABOX_METRICS_DATABASE", str(patient.database))
    monkeypatch.setenv("BELABOX_METRICS_CONFIG", str(patient.config))
    patient.sql("UPDATE jobs SET state_boottime_ms = 'soon'")

    def start(_: list[str]) -> None:
        if is_slow:
            raise TryLater("took more than 10 s")
        assert recover.main([]) == 0

    monkeypatch.setattr(patient.systemd, "start", start)
    (found,) = [one for one in command.examine(patient.box(), ["database"])["database"] if one.level == "problem"]
    assert (found.what[:11], found.hint) == ("is damaged:", "sudo belabox-metrics doctor --repair --only database")
    (done,) = patient.repair("database")
    assert done.startswith("repaired: the database ")
    assert (patient.path / "wanted").exists() == is_slow
    (left,) = patient.findings("database")
    assert ("moved aside" in left, "were brought over" in left) == (not is_slow, not is_slow)


def test_what_only_looks_like_a_database_moved_aside_is_none(patient: Patient) -> None:
    """What is to be typed has its name in it, and the jobs' user may put any name there."""
    for name in (";reboot;T;sleep;Z", "20240115T103000Z.", "20240115T10300xZ", "20240115T103000Z;1"):
        Path(f"{patient.database}.damaged-{name}").touch()
    assert patient.findings("database") == []


def test_a_directory_that_others_use_too_stays_theirs(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """storage.path may be on a disk with recordings on it, and --config somewhere in /tmp."""
    shared = patient.path / "mnt/recordings"
    shared.mkdir(parents=True)
    shared.chmod(0o777)
    patient.database = patient.database.rename(shared / "metrics.db")
    patient.config = patient.config.rename(shared / "config.yaml")
    patient.config.chmod(0o666)
    assert patient.findings("files") == []
    patient.repair("files")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (shared, patient.config)] == [0o777, 0o666]
    if os.geteuid() != 0:  # who can't try what others may do
        return
    shared.chmod(0o755)
    monkeypatch.setattr("belabox_metrics.owner.USER", "nobody")
    (found,) = patient.findings("files")
    assert found.startswith("problem /mnt/recordings: the jobs, as ")
    assert patient.repair("files") == []


def test_what_is_to_be_typed_can_be(patient: Patient) -> None:
    patient.database = patient.database.rename(patient.database.parent.parent / "my disk.db")
    for end in ("-wal", "-shm", ".lock"):
        Path(f"{patient.database}{end}").touch()
    patient.database.chmod(0o666)
    (found,) = [one for one in command.examine(patient.box(), ["files"])["files"] if one.where == str(patient.database)]
    assert shlex.split(found.hint)[-1] == str(patient.database)


def test_a_link_is_not_followed_by_a_repair(patient: Patient) -> None:
    target = patient.path / "elsewhere"
    target.write_text("")
    target.chmod(0o666)
    link = patient.config.parent / "api-token"
    link.symlink_to(target)
    patient.repair("files")
    assert target.stat().st_mode & 0o777 == 0o666


def test_a_file_with_another_name_is_not_given_away(patient: Patient, tmp_path: Path) -> None:
    """The directory of the database is that of the jobs' user, who may have put a file of somebody else there."""
    other = tmp_path / "of somebody"
    other.write_text("secret")
    other.chmod(0o666)
    lock = Path(f"{patient.database}.lock")
    lock.unlink(missing_ok=True)
    os.link(other, lock)
    done = patient.repair("files")
    assert any("not repaired" in line and "another name" in line for line in done)
    assert stat.S_IMODE(other.stat().st_mode) == 0o666


def test_what_goes_wrong_in_one_group_is_told_and_the_others_go_on(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient.systemd, "show", lambda *_: (_ for _ in ()).throw(OSError("no bus")))
    found = command.examine(patient.box(), ["units", "files"])
    assert [str(finding) for finding in found["units"]] == ["no bus"]
    assert found["files"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("EXT4-fs error (device mmcblk1p2): ext4_find_entry:1463: inode #2: comm ls", True),
        ("blk_update_request: I/O error, dev mmcblk1, sector 12", True),
        ("mmc1: Timeout waiting for hardware interrupt.", True),
        ("nvme nvme0: I/O 12 QID 3 timeout, aborting", True),
        ("mmc1: new ultra high speed SDR104 SDXC card at address aaaa", False),
        ("usb 1-1: device descriptor read/64, error -71", False),
    ],
)
def test_the_kernel_on_disks(line: str, told: bool) -> None:
    assert bool(disk._COMPLAINT.search(line)) is told


def test_groups_of_a_person(monkeypatch: pytest.MonkeyPatch, patient: Patient) -> None:
    monkeypatch.setattr(programs, "_is_member", lambda person, group: group == "metrics")
    monkeypatch.setenv("SUDO_USER", "anna")
    assert patient.findings("programs") == ["note anna: is in no group that may read the journal without sudo"]


def test_the_answer_for_a_program(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    patient.config.chmod(0o666)
    words = ["--json", "--only", "files", "--config", str(patient.config), "--database", str(patient.database)]
    assert command.main([*words, "--root", str(patient.path)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["problems"], said["repaired"]) == (False, 1, [])
    wrong = next(finding for finding in said["findings"] if finding["level"] == "problem")
    assert wrong["can_be_repaired"] is True
    assert wrong["hint"].startswith("sudo chown ")
    assert command.main([*words, "--root", str(patient.path), "--repair"]) == 0
    assert json.loads(capsys.readouterr().out)["repaired"][0].startswith("repaired: ")


def test_the_answer_for_a_person(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--only", "files", "--config", str(patient.config), "--database", str(patient.database)]
    patient.config.chmod(0o666)
    assert command.main([*words, "--root", str(patient.path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "files"
    assert lines[1].startswith("  problem  ")
    assert lines[2].startswith("           -> sudo chown ")
    assert lines[-1] == "1 problem; sudo belabox-metrics doctor --repair mends 1 of them"
