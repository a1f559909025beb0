"""The jobs and commands as processes, without a journal: what a person reads, what a caller gets."""

from __future__ import annotations

import json
import os
import pty
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from belabox_metrics import cli

ROOT = Path(__file__).parents[3]
BOX = ROOT / "tests/fixtures/orangepi5plus"
CONFIG = """
device: {id: box-1}
metrics:
  - {name: memory.usage, interval: 30s}
  - {name: cpu.usage, interval: 10s}
  - {name: srt.packet_loss, interval: 5s}
"""


class Box:
    def __init__(self, path: Path) -> None:
        self.root = Path(shutil.copytree(BOX, path / "root"))
        self.database = path / "metrics.db"
        self.config = path / "config.yaml"
        self.config.write_text(CONFIG)

    def job(self, name: str, *arguments: str, flags: str = "-IS", **told: str) -> subprocess.CompletedProcess[str]:
        """`told`: more of its environment."""
        environment = {
            "BELABOX_METRICS_CONFIG": str(self.config),
            "BELABOX_METRICS_DATABASE": str(self.database),
            "BELABOX_METRICS_ROOT": str(self.root),
            "PATH": os.environ["PATH"],
            **told,
        }
        command: list[str | Path] = ["/usr/bin/python3", flags, ROOT / f"jobs/{name}.py", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.job("cli", *arguments, flags="-I")

    def sql(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_collection_is_one_line_for_a_person(box: Box) -> None:
    done = box.job("collect", "memory.usage")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("memory.usage: 5 samples  [count=5 job=collect metric=memory.usage duration_ms=")
    assert len(done.stderr.splitlines()) == 1


def test_settings_are_compiled_by_the_first_to_need_them(box: Box) -> None:
    box.job("collect", "memory.usage")
    assert box.sql("SELECT value FROM settings WHERE section = 'metrics/cpu.usage' AND key = 'interval_ms'") == [
        (10000,)
    ]
    assert box.sql("SELECT DISTINCT device_id FROM metrics") == [("box-1",)]


def test_a_failed_collection_is_stored_told_and_does_not_touch_the_others(box: Box) -> None:
    box.job("collect", "memory.usage")
    (box.root / "proc/meminfo").write_text("MemTotal: -5 kB\n")
    done = box.job("collect", "memory.usage")
    assert done.returncode == 1
    assert "proc/meminfo" in done.stderr
    assert "Traceback" not in done.stderr
    assert box.job("collect", "disk.io").returncode == 0
    assert box.sql("SELECT outcome, packed IS NULL, error IS NULL FROM runs ORDER BY id") == [
        (0, 0, 1),
        (2, 1, 0),
        (0, 0, 1),
    ]


def test_a_source_the_box_lacks_is_no_failure(box: Box) -> None:
    shutil.rmtree(box.root / "sys")
    done = box.job("collect", "cpu.temperature")
    assert done.returncode == 0
    assert "no data" in done.stderr
    assert box.sql("SELECT outcome FROM runs") == [(1,)]


def test_a_dry_run_shows_and_stores_nothing(box: Box) -> None:
    done = box.job("collect", "memory.usage", "--dry-run")
    assert done.returncode == 0
    assert "memory.total_bytes 16590381056" in done.stdout.splitlines()
    assert not box.database.exists()


def test_a_dry_run_does_nothing_to_the_terminal(box: Box) -> None:
    table = box.root / "proc/net/dev"
    table.write_bytes(table.read_bytes() + b"\x1b[31m\xffwwan9: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n")
    done = box.job("collect", "network.traffic", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "wwan9" in done.stdout
    assert (done.stdout + done.stderr).replace("\n", "").isprintable()


def test_what_is_wrong_is_said_of_the_database_that_was_named(box: Box, tmp_path: Path) -> None:
    assert box.job("collect", "memory.usage").returncode == 0
    diary = tmp_path / "diary"
    diary.write_text("dear diary\n" * 200)
    done = box.job("collect", "--database", str(diary), "memory.usage")
    assert done.returncode == 1
    assert done.stderr.startswith(f"memory.usage: {diary}: this file is not a database"), done.stderr
    content = bytearray(box.database.read_bytes())
    copy = tmp_path / "copy.db"
    # The first page is read when it is opened, the others by who looks into them.
    content[1024:] = bytes(len(content) - 1024)
    copy.write_bytes(content)
    done = box.job("collect", "--database", str(copy), "memory.usage")
    assert (done.returncode, f"{copy}: the database is damaged" in done.stderr) == (1, True), done.stderr


def test_a_person_at_a_terminal_is_told_though_a_service_has_opened_it(box: Box) -> None:
    """A desktop's terminal inherits the variable of the service that it is part of."""
    ours, theirs = pty.openpty()
    command = ["/usr/bin/python3", "-IS", str(ROOT / "jobs/collect.py"), "no.such"]
    environment = {"BELABOX_METRICS_DATABASE": str(box.database), "JOURNAL_STREAM": "9:9"}
    done = subprocess.run(command, env=environment, stderr=theirs, check=False, timeout=120)
    os.close(theirs)
    assert done.returncode == 2
    assert os.read(ours, 1000).startswith(b"no.such: there is no metric")
    os.close(ours)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one metric"),
        (["no.such"], "there is no metric 'no.such'"),
        (["../../etc/passwd"], "there is no metric"),
        (["cpu_usage"], "there is no metric"),
        (["cpu.\udcff"], "there is no metric 'cpu.\\udcff'"),
        (["cpu.usage", "memory.usage"], "name one metric"),
        (["cpu.usage", "--colour"], "unknown option --colour"),
        (["cpu.usage", "--root"], "--root needs a value"),
        (["cpu.usage", "--root", "/nonexistent"], "is not a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_told_in_one_line(box: Box, arguments: list[str], said: str) -> None:
    done = box.job("collect", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not box.database.exists()
    # And where there is something that could be asked.
    box.job("collect", "memory.usage")
    assert (box.job("collect", *arguments).stderr, len(box.sql("SELECT * FROM jobs"))) == (done.stderr, 1)


def test_status_shows_each_metric_and_why_one_is_off(box: Box) -> None:
    box.job("collect", "memory.usage")
    done = box.command("status")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert "memory.used_bytes" in lines["memory.usage"]
    assert "neither url nor file is configured" in lines["srt.packet_loss"]
    report = json.loads(box.command("status", "--json").stdout)
    assert report["components"]["collector.memory.usage"]["status"] == "ok"
    assert report["not_scheduled"] == {"srt.packet_loss": "neither url nor file is configured"}


def test_query_prints_what_was_stored(box: Box) -> None:
    box.job("collect", "memory.usage")
    box.job("collect", "disk.io")
    rows = [json.loads(line) for line in box.command("query", "memory.usage", "--json").stdout.splitlines()]
    assert [row["name"] for row in rows] == [
        "memory.used_bytes",
        "memory.available_bytes",
        "memory.total_bytes",
        "memory.swap_used_bytes",
        "memory.swap_total_bytes",
    ]
    one = box.command("query", "disk.read_ops_total", "--since", "1d", "--samples").stdout
    assert "disk.read_ops_total{device=mmcblk0}  18422" in one
    unknown = box.command("query", "memory.usag").stderr
    assert "no samples of memory.usag ever" in unknown
    # Asked for by the configuration, not run yet.
    assert "no samples of srt.packet_loss in the last 1h" in box.command("query", "srt.packet_loss").stderr
    assert box.command("query", "cpu.usage", "--since", "soon").returncode == 2


def test_commands_before_the_first_sample_say_so(box: Box) -> None:
    for command in (["status"], ["query", "cpu.usage"]):
        done = box.command(*command)
        assert done.returncode == 1
        assert "no database yet" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("word", [*cli.COMMANDS, ""])
def test_every_command_has_help(box: Box, word: str) -> None:
    done = box.command(*([word] if word else []), "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: belabox-metrics {word}")


def test_an_unknown_command_is_wrong_usage(box: Box) -> None:
    done = box.command("frobnicate")
    assert (done.returncode, "--help" in done.stderr) == (2, True)


def test_a_killed_unit_is_recorded_for_the_job(box: Box) -> None:
    box.job("collect", "memory.usage")
    done = box.job("failed", "belabox-metrics@memory.usage.service", MONITOR_SERVICE_RESULT="oom-kill")
    assert done.returncode == 0
    assert "belabox-metrics@memory.usage.service: ran out of memory and was killed" in done.stderr
    assert box.sql("SELECT metric, last_error, failures FROM jobs") == [
        ("memory.usage", "ran out of memory and was killed", 1)
    ]


def test_a_log_that_can_not_be_synced_is_told_and_no_metric_fails_by_it(box: Box) -> None:
    box.job("collect", "memory.usage")
    told = {"MONITOR_SERVICE_RESULT": "exit-code", "MONITOR_EXIT_CODE": "exited", "MONITOR_EXIT_STATUS": "74"}
    done = box.job("failed", "belabox-metrics-sync.service", **told)
    assert done.returncode == 0
    assert "belabox-metrics-sync.service: what was stored could not be written to the disk" in done.stderr
    assert box.sql("SELECT job, metric, failures FROM jobs") == [("collect", "memory.usage", 0)]


def test_where_systemd_does_not_tell_what_happened_the_word_of_the_job_stands(box: Box) -> None:
    """Before version 251."""
    unit = "belabox-metrics@memory.usage.service"
    failures = "SELECT last_error, failures FROM jobs"
    meminfo = box.root / "proc/meminfo"
    well = meminfo.read_text()
    meminfo.write_text("MemTotal: many kB\n")
    assert box.job("collect", "memory.usage").returncode == 1
    ((said, _),) = box.sql(failures)
    assert "/proc/meminfo" in str(said)
    done = box.job("failed", unit)
    assert (done.returncode, done.stderr) == (0, "")
    assert box.sql(failures) == [(said, 1)]
    # A failure that is older is of another run: this one could not say anything.
    with closing(sqlite3.connect(box.database)) as connection, connection:
        connection.execute("UPDATE runs SET boottime_ms = boottime_ms - 5000")
    assert "memory.usage.service: failed" in box.job("failed", unit).stderr
    assert box.sql(failures) == [("failed", 2)]
    # A run that was well is no word for a failure either.
    meminfo.write_text(well)
    assert box.job("collect", "memory.usage").returncode == 0
    box.job("failed", unit)
    assert box.sql(failures) == [("failed", 1)]


def test_a_unit_whose_name_is_no_text_is_recorded_by_what_can_be_shown_of_it(box: Box) -> None:
    done = box.job("failed", "belabox-metrics@m\udcff.service")
    assert done.returncode == 0, done.stderr
    assert box.sql("SELECT metric FROM jobs") == [("m\\udcff",)]


def test_a_full_disk_is_one_clear_line_and_what_is_stored_stays(box: Box, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", small], check=True)
    try:
        box.database = small / "metrics.db"
        assert box.job("collect", "disk.io").returncode == 0
        before = box.sql("SELECT count(*) FROM runs")
        (small / "others").write_bytes(b"\x00" * os.statvfs(small).f_bavail * os.statvfs(small).f_frsize)
        done = box.job("collect", "disk.io")
        while done.returncode == 0:  # the log still had room
            before = box.sql("SELECT count(*) FROM runs")
            done = box.job("collect", "disk.io")
        assert done.returncode == 75
        assert "the disk is full" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
        (small / "others").unlink()
        assert box.job("collect", "disk.io").returncode == 0
        assert box.sql("SELECT count(*) FROM runs") == [(int(str(before[0][0])) + 1,)]
        assert box.sql("PRAGMA integrity_check") == [("ok",)]
    finally:
        subprocess.run(["umount", small], check=True)
