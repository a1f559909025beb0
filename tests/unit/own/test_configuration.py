"""An entry with `exec:`, from the file to a collection."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.config import configuration
from belabox_metrics.errors import ConfigProblem
from belabox_metrics.own.collector import DIRECTORY
from belabox_metrics.schedule import programs, units

if TYPE_CHECKING:
    from .conftest import Install

ROOT = Path(__file__).parents[3]
ENTRY = "{name: room.climate, interval: 30s, exec: climate}"


def load(folder: Path, *entries: str, more: str = "") -> configuration.Configuration:
    path = folder / "config.yaml"
    path.write_text("device: {id: box}\nmetrics:\n" + "".join(f"  - {entry}\n" for entry in entries) + more)
    return configuration.load(str(path))


def test_it_is_a_metric_like_others(tmp_path: Path) -> None:
    alert = "alerts:\n  warm: {metric: room.climate, series: room.temperature, above: 30}\n"
    found = load(tmp_path, ENTRY, "{name: cpu.usage, interval: 10s}", more=alert)
    metric = found.metrics[0]
    assert (metric.scheduled, metric.priority, metric.interval_ms) == (True, 2, 30_000)
    rows = {row[1]: row[3] for row in found.settings() if row[0] == "metrics/room.climate"}
    assert (rows["config.exec"], rows["config.timeout"]) == ("climate", 10_000)
    assert rows["watch"] == "room.temperature > 30.0"
    timer = units.render(found)["belabox-metrics@room.climate.timer"]
    assert "Description=Collect room.climate every 30s" in timer


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{name: room.climate, interval: 30s}", "is not a known metric (known are"),
        ("{name: cpu.usage, interval: 30s, exec: climate}", "comes with this program, so it has no exec"),
        (
            "{name: cpu.load, interval: 30s, exec: climate}",
            "begins with cpu, as metrics of this program do (put another",
        ),
        ("{name: stream, interval: 30s, exec: climate}", "begins with stream"),
        ("{name: Room, interval: 30s, exec: climate}", "is not a name (small letters"),
        ("{name: room-climate, interval: 30s, exec: climate}", "is not a name"),
        ("{name: room..climate, interval: 30s, exec: climate}", "is not a name"),
        ("{name: '../x', interval: 30s, exec: climate}", "is not a name"),
        ("{name: 'room@x', interval: 30s, exec: climate}", "is not a name"),
        ("{name: %s, interval: 30s, exec: climate}" % ("r" * 65), "is not a name"),
        ("{name: room.climate, interval: 30s, exec: /usr/bin/climate}", f"the name of a file in {DIRECTORY}"),
        ("{name: room.climate, interval: 30s, exec: ../climate}", f"the name of a file in {DIRECTORY}"),
        ("{name: room.climate, interval: 30s, exec: climate --fast}", f"the name of a file in {DIRECTORY}"),
        ("{name: room.climate, interval: 30s, exec: [climate]}", f"the name of a file in {DIRECTORY}"),
        ("{name: room.climate, interval: 30s, exec: climate, config: {timeout: 16s}}", "is more than 15s"),
        ("{name: room.climate, interval: 30s, exec: climate, config: {exec: x}}", "exec: is not a known key"),
    ],
)
def test_an_entry_that_is_wrong(entry: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem) as caught:
        load(tmp_path, entry)
    assert f"{tmp_path}/config.yaml:3: metrics[" in str(caught.value)
    assert says in str(caught.value)
    assert len(str(caught.value).split("\n")) == 1


def refusal(folder: Path, *entries: str) -> str:
    try:
        programs.check(load(folder, *(entries or (ENTRY,))), str(folder))
    except ConfigProblem as problem:
        return str(problem)
    return ""


def test_a_program_that_can_be_run(tmp_path: Path, install: Install) -> None:
    install("climate", "")
    assert refusal(tmp_path) == ""


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        (0o644, "can't be run by the user metrics (chmod 755 "),
        (0o700, "can't be run by the user metrics"),
        (0o711, "can't be run by the user metrics"),  # a script is read
        (0o775, "can be written by others than its owner (chmod go-w "),
        (0o757, "can be written by others than its owner"),
    ],
)
def test_its_mode(mode: int, says: str, tmp_path: Path, install: Install) -> None:
    path = install("climate", "")
    path.chmod(mode)
    assert f"metrics[room.climate].exec: {path}: {says}" in refusal(tmp_path)


def test_what_else_must_not_be_run(tmp_path: Path, install: Install) -> None:
    path = install("climate", "")
    path.parent.chmod(0o777)
    assert "is in a directory that can be written by others than its owner" in refusal(tmp_path)
    path.parent.chmod(0o755)
    path.unlink()
    assert "does not exist (put it there" in refusal(tmp_path)
    path.symlink_to("/bin/true")
    assert "is not a file (a link may lead" in refusal(tmp_path)
    path.unlink()
    path.mkdir()
    assert "is not a file" in refusal(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_program_of_somebody_else(tmp_path: Path, install: Install) -> None:
    path = install("climate", "")
    os.chown(path, 1000, 1000)
    assert "belongs to somebody else (chown root" in refusal(tmp_path)


def test_all_that_are_wrong_are_told_and_none_that_is_off(tmp_path: Path, install: Install) -> None:
    install("other", "")
    entries = [
        ENTRY,
        "{name: room.two, interval: 30s, exec: two}",
        "{name: room.three, interval: 30s, enabled: false, exec: three}",
    ]
    said = refusal(tmp_path, *entries).split("\n")
    assert [line.partition("]")[0] for line in said] == ["metrics[room.climate", "metrics[room.two"]


class Box:
    """A whole one: jobs as the processes that systemd starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        load(folder, ENTRY, "{name: memory.usage, interval: 30s}")
        (folder / "proc").mkdir()
        (folder / "proc/meminfo").write_bytes((ROOT / "tests/fixtures/orangepi5plus/proc/meminfo").read_bytes())

    def run(self, job: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "BELABOX_METRICS_CONFIG": str(self.folder / "config.yaml"),
            "BELABOX_METRICS_DATABASE": str(self.folder / "metrics.db"),
            "BELABOX_METRICS_ROOT": str(self.folder),
        }
        command = ["/usr/bin/python3", "-I", f"{ROOT}/jobs/{job}.py", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_from_the_configuration_to_a_person(tmp_path: Path, install: Install) -> None:
    box = Box(tmp_path)
    install("climate", "echo room.temperature 21.5; echo room.people many")
    assert box.run("collect", "memory.usage").returncode == 0  # the first to come compiles the settings
    dry = box.run("collect", "room.climate", "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "room.temperature 21.5\n"), dry.stderr
    assert "line 2: 'many' is not a number" in dry.stderr
    done = box.run("collect", "room.climate")
    assert done.returncode == 0, done.stderr
    assert "room.climate: 1 samples" in done.stderr
    assert "line 2: 'many' is not a number" in done.stderr
    assert "room.temperature" in box.run("cli", "query", "room.climate").stdout
    assert "room.climate" in box.run("cli", "status").stdout
    install("climate", "exit 4")
    failed = box.run("collect", "room.climate")
    assert failed.returncode == 1
    assert "climate: failed: ended with exit code 4" in failed.stderr


def test_a_name_that_nobody_configured_leaves_nothing_behind(tmp_path: Path, install: Install) -> None:
    box = Box(tmp_path)
    install("climate", "echo room.temperature 21.5")
    assert box.run("collect", "memory.usage").returncode == 0
    done = box.run("collect", "room.climat")
    assert done.returncode == 2
    assert "there is no metric 'room.climat'" in done.stderr
    assert "climat " not in box.run("cli", "status").stdout


def test_it_meets_a_damaged_database_like_any_other(tmp_path: Path, install: Install) -> None:
    box = Box(tmp_path)
    install("climate", "echo room.temperature 21.5")
    database = tmp_path / "metrics.db"
    assert (
        box.run("collect", "room.climate").returncode == 2
    )  # there is no database, and nobody has said that it is one
    assert not database.exists()
    database.touch()
    assert box.run("collect", "room.climate").returncode == 0
    for end in ("-wal", "-shm"):
        Path(f"{database}{end}").unlink()
    database.write_text("dear diary\n" * 200)
    assert box.run("collect", "room.climate", "--dry-run").returncode == 2
    assert database.read_text() == "dear diary\n" * 200
    done = box.run("collect", "room.climate")
    assert (done.returncode, "moved to" in done.stderr) == (0, True), done.stderr
    assert "room.temperature" in box.run("cli", "query", "room.climate").stdout
