"""Processes and what they cost: an installed copy of the product, CPU and memory as the kernel counts them, traces."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.ports import free_port
from tests.provenance import PYTHON

from .figures import Spread, spread

CHECKOUT = Path(__file__).parents[2]
BARE = [PYTHON, "-I", "-S", "-c", "pass"]
NAIVE = [PYTHON, "-I", str(Path(__file__).with_name("naive.py"))]
METRICS = ("cpu.temperature", "cpu.usage", "memory.usage", "disk.io", "network.traffic", "srt.packet_loss")
STATISTICS = "http://127.0.0.1:{port}/stats?publisher=publish/live/feed1"
# What belabox_metrics.store.checkpoint.LOG_LIMIT is: at more, a job that runs anyway folds the log in.
LOG_LIMIT = 512 * 1024


# A process begins with the peak of the one it was forked from, so that one has to be small.
PEAK = """
import posix, sys
null = posix.open("/dev/null", posix.O_RDWR)
files = [(posix.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
process = posix.posix_spawn(sys.argv[1], sys.argv[1:], posix.environ, file_actions=files)
status, usage = posix.wait4(process, 0)[1:]
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


def cpu_ms(command: list[str], environment: Mapping[str, str]) -> float:
    """CPU of a whole process, user and system; what it says is thrown away. Raises when it fails."""
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
    process = os.posix_spawn(command[0], command, environment, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    os.close(null)
    if status:
        raise RuntimeError(f"status {status} of {command}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def peak_mib(command: list[str], environment: Mapping[str, str]) -> float:
    """The most memory a process had resident."""
    small = [PYTHON, "-I", "-S", "-c", PEAK, *command]
    done = subprocess.run(small, env=dict(environment), capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


class Installed:
    """A copy as install.sh makes it, with byte code, a database of its own and the default configuration applied."""

    def __init__(self, folder: Path, statistics_port: int) -> None:
        self.folder = folder
        self.database = folder / "metrics.db"
        tree = folder / "tree"
        for name in ("lib", "jobs"):
            shutil.copytree(CHECKOUT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run([PYTHON, "-I", "-m", "compileall", "-q", tree / "lib"], check=True)
        self.jobs = tree / "jobs"
        self.config = folder / "config.yaml"
        url = STATISTICS.format(port=statistics_port)
        said = (CHECKOUT / "configs/config.yaml").read_text()
        said = said.replace("- name: srt.packet_loss", f"- name: srt.packet_loss\n    config: {{url: '{url}'}}\n   ")
        self.config.write_text(re.sub(r"(?m)^    +(#.*)$", r"    \1", said))
        self.environment = {
            "BELABOX_METRICS_DATABASE": str(self.database),
            "BELABOX_METRICS_CONFIG": str(self.config),
            "PATH": os.environ["PATH"],
        }
        # The first run of all makes the database and compiles the settings; the second has something to compare with.
        for _ in range(2):
            for metric in METRICS:
                self.run(self.collect(metric))

    def collect(self, metric: str) -> list[str]:
        return self.job("collect.py", metric)

    def job(self, name: str, *arguments: str) -> list[str]:
        return [PYTHON, "-I", "-S", str(self.jobs / name), *arguments]

    def run(self, command: list[str]) -> float:
        """CPU ms."""
        return cpu_ms(command, self.environment)

    def log_bytes(self) -> int:
        return Path(f"{self.database}-wal").stat().st_size

    def tidy(self) -> None:
        """What upload does on the box, so that the log has the lengths that it has there."""
        if self.log_bytes() > LOG_LIMIT:
            self.run(self.job("maintain.py"))


@contextmanager
def relay() -> Iterator[int]:
    """A stand-in for a relay on loopback; its port."""
    port = free_port()
    script = CHECKOUT / "tests/machine/relay.py"
    process = subprocess.Popen([sys.executable, script, str(port)])
    try:
        subprocess.run(
            ["curl", "-s", "--retry", "20", "--retry-connrefused", "-o", os.devnull, STATISTICS.format(port=port)],
            check=True,
        )
        yield port
    finally:
        process.terminate()
        process.wait()


class Counts(NamedTuple):
    """What a traced process did to the disk: syncs and bytes written, by the ending of the file's name."""

    syncs: int
    unlinks: int
    written: dict[str, int]


def traced(command: list[str], environment: Mapping[str, str], log: Path) -> Counts:
    calls = "fsync,fdatasync,sync,syncfs,sync_file_range,msync,unlink,unlinkat,write,pwrite64,writev,pwritev"
    subprocess.run(
        ["strace", "-f", "-y", "-o", str(log), "-e", f"trace={calls}", *command],
        env=dict(environment),
        capture_output=True,
        check=True,
    )
    text = log.read_text(errors="replace")
    written: dict[str, int] = {}
    for path, count in re.findall(r"(?m)^\d+ +p?write\w*\(\d+<([^>]*)>.* = (\d+)$", text):
        end = "wal" if path.endswith("-wal") else "database" if path.endswith(".db") else "other"
        written[end] = written.get(end, 0) + int(count)
    syncs = len(re.findall(r"(?m)^\d+ +(?:f?sync|fdatasync|syncfs|sync_file_range|msync)\(", text))
    return Counts(syncs, len(re.findall(r"(?m)^\d+ +unlink", text)), written)


def spreads(values: Mapping[str, list[float]]) -> dict[str, Spread]:
    return {name: spread(found) for name, found in values.items()}


def fill_naive(path: Path, samples: int) -> None:
    """The naive form's database after some time: ten samples a second, since what it writes grows with its indexes."""
    source = (CHECKOUT / "tests/bench/naive.py").read_text()
    schema, insert = (source.split(f'{name} = """')[1].split('"""')[0] for name in ("SCHEMA", "INSERT"))
    rng = random.Random(3)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(schema)
    with connection:
        for number in range(samples):
            at, series = 1_760_000_000_000 + number // 10 * 1000, number % 10
            name, tags = f"memory.value{series}_bytes", '{"unit":"bytes"}'
            key = f"{name}|{at}|belabox-001|{tags}"
            connection.execute(insert, (at, name, rng.uniform(0, 1e9), tags, None, "belabox-001", 2, key))
    connection.close()
