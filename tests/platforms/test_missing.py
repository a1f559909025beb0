"""System calls that an old kernel, a file system or a container lacks, taken away one by one: a job does without, or
says so in one line."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOX = ROOT / "tests/fixtures/orangepi5plus"
LIFE = (
    ("collect.py", "memory.usage"),
    ("maintain.py",),
    ("collect.py", "network.traffic"),
    ("cli.py", "snapshot", "COPY"),
)
# As strace(1) says it. Who makes them: Python, SQLite or glibc. What answers so: a kernel before the call was there,
# the sandbox of a container, FAT, a file system over a network.
DONE_WITHOUT = (
    "access:error=ENOSYS",
    "fallocate:error=ENOSYS",
    "fallocate:error=EOPNOTSUPP",
    "fchmod:error=EPERM",
    "fchown:error=EPERM",
    "fsync:error=EINVAL:when=2",  # the second is of a folder
    "getrandom:error=ENOSYS",
    "link:error=EPERM",
    "prlimit64:error=EPERM",
    "rseq:error=ENOSYS",
    "sysinfo:error=ENOSYS",
)
NEEDED = ("flock:error=ENOSYS", "flock:error=ENOLCK", "statfs:error=ENOSYS", "fdatasync:error=EINVAL")


class Lacking:
    """A place with a database, on a kernel without one call; `times` it was missed."""

    def __init__(self, folder: Path, injection: str) -> None:
        self.folder = folder
        self.injection = injection
        self.database = folder / "metrics.db"
        self.times = 0

    def run(self, job: str, *words: str) -> subprocess.CompletedProcess[str]:
        trace, call = self.folder / "trace", self.injection.partition(":")[0]
        strace = ["strace", "-f", "-qq", "-o", str(trace), f"--trace={call}", f"--inject={self.injection}"]
        arguments = [str(self.folder / "copy.db") if word == "COPY" else word for word in words]
        environment = {"BELABOX_METRICS_ROOT": str(BOX), "BELABOX_METRICS_DATABASE": str(self.database)}
        command = [*strace, "/usr/bin/python3", "-I", str(ROOT / "jobs" / job), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert "Traceback" not in done.stderr, done.stderr
        self.times += trace.read_text(encoding="utf-8").count("(INJECTED)")
        return done


@pytest.fixture
def lacking(tmp_path: Path, request: pytest.FixtureRequest) -> Lacking:
    if shutil.which("strace") is None:
        pytest.fail("strace is missing: tests/run installs it")
    return Lacking(tmp_path, request.param)


@pytest.mark.parametrize("lacking", DONE_WITHOUT, indirect=True)
def test_a_box_does_without(lacking: Lacking) -> None:
    for job in LIFE:
        done = lacking.run(*job)
        assert done.returncode == 0, (job, done.stderr)
    with closing(sqlite3.connect(f"file:{lacking.database}?mode=ro", uri=True)) as connection:
        names = {name.partition(".")[0] for (name,) in connection.execute("SELECT metric_name FROM metrics")}
        assert names >= {"memory", "network"}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (lacking.folder / "copy.db").stat().st_size > 0
    assert lacking.times > 0


@pytest.mark.parametrize("lacking", NEEDED, indirect=True)
def test_what_cannot_be_done_without_is_said_in_a_line(lacking: Lacking) -> None:
    """Two who write at once would damage the database: better no sample."""
    said = [done.stderr for done in (lacking.run(*job) for job in LIFE[:2]) if done.returncode != 0]
    assert said
    for lines in said:
        assert [str(lacking.folder) in line for line in lines.splitlines()].count(True) == 1, lines
