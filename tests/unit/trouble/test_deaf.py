"""A journald that takes nothing any more: jobs do their work, and are no longer about it than a moment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .box import PYTHON, ROOT, Box

# In a mount namespace of its own, where nobody reads from the socket and its queue is full, the job is started.
_FULL = """
import os, socket, subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
os.makedirs("/run/systemd/journal")
reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
reader.bind("/run/systemd/journal/socket")
writers, taken = [], True
while taken:
    taken = False
    writers.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    writers[-1].connect("/run/systemd/journal/socket")
    writers[-1].setblocking(False)
    try:
        while writers[-1].send(b"MESSAGE=others\\n"):
            taken = True
    except BlockingIOError:
        pass
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""
# Longer than any job may be about it; who hangs, hangs for ever.
HANGS_S = 60
HAS_BINDINGS = not subprocess.run(
    [PYTHON, "-c", "import systemd._journal"], capture_output=True, check=False
).returncode


@pytest.mark.skipif(os.geteuid() != 0 or not HAS_BINDINGS, reason="needs a mount namespace, and python3-systemd")
def test_a_job_waits_for_journald_no_longer_than_a_moment_and_tells_its_stderr_instead(box: Box) -> None:
    ((before,),) = box.sql("SELECT count(*) FROM runs")
    job = [PYTHON, "-I", "-S", str(ROOT / "jobs/collect.py"), "memory.usage"]
    command = ["unshare", "--mount", PYTHON, "-c", _FULL, *job]
    environment = {**box.environment, "JOURNAL_STREAM": "1:1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=HANGS_S)
    assert (done.returncode, done.stderr.startswith("<5>memory.usage: ")) == (0, True), done.stderr
    assert box.sql(f"SELECT count(*) - {before} FROM runs") == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0 or not HAS_BINDINGS, reason="needs a mount namespace, and python3-systemd")
def test_the_second_record_waits_hardly_at_all_and_a_deadline_around_both_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import time\n"
        "from belabox_metrics import journal\n"
        "from belabox_metrics.deadline import Deadline\n"
        "try:\n"
        "    with Deadline(3, lambda: TimeoutError('the deadline')):\n"
        "        for number in range(20):\n"
        "            journal.record(f'record {number}')\n"
        "        time.sleep(60)\n"
        "except TimeoutError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "JOURNAL_STREAM": "1:1"}
    command = ["unshare", "--mount", PYTHON, "-c", _FULL, PYTHON, str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=HANGS_S)
    assert (done.stdout, len(done.stderr.splitlines())) == ("the deadline\n", 20), done.stderr
