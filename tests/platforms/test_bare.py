"""A checkout, and nothing else: no systemd, no journal, no root, no home, and not even Linux."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ports import kept_port

ROOT = Path(__file__).parents[2]
METRICS = re.findall(r"^  - name: ([a-z._]+)", (ROOT / "configs/config.yaml").read_text(encoding="utf-8"), re.MULTILINE)
CONFIG = "device: {id: bare}\nmetrics:\n  - {name: memory.usage, interval: 30s}\n  - {name: cpu.usage, interval: 10s}\n"
# "nobody": owns nothing, and may write nowhere but where the test lets it.
UNPRIVILEGED = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
SYSTEMS = {"linux": (), "mac": ("tests/platforms/mac.py",)}


class Checkout:
    """`work` is a folder to write to, the rest belongs to somebody else."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.work = place / "work"

    def run(
        self,
        *words: str,
        system: str = "linux",
        wrapped: tuple[str, ...] = UNPRIVILEGED,
        environment: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """`python3 WORDS`, in the checkout, with these variables and no others."""
        command = [*wrapped, "/usr/bin/python3", *SYSTEMS[system], *words]
        return subprocess.run(
            command, cwd=self.place, env=environment or {}, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    # Not in pytest's own folder, which is closed to others.
    with tempfile.TemporaryDirectory(prefix="belabox-metrics-bare-", dir="/tmp") as name:
        place = Path(name)
        for part in ("jobs", "lib", "configs", "tests/platforms", "tests/fixtures"):
            shutil.copytree(ROOT / part, place / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        place.chmod(0o755)
        found = Checkout(place)
        found.work.mkdir()
        found.work.chmod(0o777)
        yield found


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("metric", METRICS)
def test_each_metric_can_be_tried(checkout: Checkout, metric: str, system: str) -> None:
    done = checkout.run("jobs/collect.py", metric, "--root", "tests/fixtures/orangepi5plus", "--dry-run", system=system)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    assert not list(checkout.place.rglob("*.db*"))


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_whole_life_without_systemd(checkout: Checkout, system: str) -> None:
    folder = checkout.work / system
    folder.mkdir()
    folder.chmod(0o777)
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    environment = {
        "BELABOX_METRICS_CONFIG": str(config),
        "BELABOX_METRICS_DATABASE": str(folder / "metrics.db"),
        "BELABOX_METRICS_ROOT": "tests/fixtures/orangepi5plus",
    }

    def run(*words: str, codes: tuple[int, ...] = (0,)) -> str:
        done = checkout.run(*words, system=system, environment=environment)
        assert done.returncode in codes, (words, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    run("jobs/cli.py", "check", str(config))
    for _ in range(2):
        assert "memory.usage" in run("jobs/collect.py", "memory.usage")
    run("jobs/maintain.py")
    assert "memory.usage" in run("jobs/cli.py", "status", codes=(0, 1))
    assert "memory.used_bytes" in run("jobs/cli.py", "query", "memory.usage")
    assert "memory_used_bytes" in run("jobs/cli.py", "export")
    assert "memory.used_bytes" in run("jobs/collect.py", "memory.usage", "--dry-run")
    run("jobs/cli.py", "sessions", codes=(0, 1))
    run("jobs/cli.py", "snapshot", str(folder / "copy.db"))
    # Nothing to send to, nothing to compare the clock with: said, and not failed.
    run("jobs/upload.py")
    run("jobs/clock.py")
    run("jobs/cli.py", "doctor", codes=(0, 1))


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_responder_answers(checkout: Checkout, system: str) -> None:
    database = str(checkout.work / f"{system}-health.db")
    variables = {"BELABOX_METRICS_DATABASE": database, "BELABOX_METRICS_ROOT": "tests/fixtures/orangepi5plus"}
    assert checkout.run("jobs/collect.py", "memory.usage", system=system, environment=variables).returncode == 0
    keeper = kept_port()
    port = keeper.getsockname()[1]
    command = [*UNPRIVILEGED, "/usr/bin/python3", *SYSTEMS[system], "jobs/health.py", "--listen", f"127.0.0.1:{port}"]
    with keeper, subprocess.Popen(command, cwd=checkout.place, env=variables) as responder:
        try:
            while not accepts(port):
                assert responder.poll() is None
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=60) as answer:
                assert json.load(answer)["status"]
        finally:
            responder.terminate()


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionRefusedError:
        time.sleep(0.02)
        return False
    return True


def test_a_record_is_a_line_where_the_journal_cannot_be_reached(checkout: Checkout) -> None:
    """The service manager has said that there is a journal, and python3-systemd is missing."""
    done = checkout.run(
        "jobs/collect.py",
        *("memory.usage", "--root", "tests/fixtures/orangepi5plus", "--database", str(checkout.work / "record.db")),
        system="mac",
        environment={"JOURNAL_STREAM": "8:1"},
    )
    assert done.returncode == 0
    assert re.fullmatch(r"<5>memory.usage: 5 samples.*\n", done.stderr), done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="hiding /proc needs root")
@pytest.mark.parametrize("metric", [metric for metric in METRICS if not metric.startswith(("stream.", "srt.", "meta"))])
def test_without_proc_and_sys_there_is_no_data_and_no_failure(checkout: Checkout, metric: str) -> None:
    hidden = 'mount -t tmpfs none /proc && mount -t tmpfs none /sys && exec "$@"'
    wrapped = ("unshare", "--mount", "sh", "-c", hidden, "-", *UNPRIVILEGED)
    done = checkout.run(
        "jobs/collect.py", metric, "--dry-run", wrapped=wrapped, environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "no data" in done.stdout
