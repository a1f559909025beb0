"""The uploader killed at each system call that changes something: what was stored arrives, and arrives once.

Twice only where the server had accepted a chunk and the uploader died before it could write that down; then the same
bytes under the same key.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from belabox_metrics import clock

from .box import ROOT, Box, Remote, samples, upload

# What writes, locks, sends or receives.
CALLS = "pwrite64,write,ftruncate,fdatasync,fsync,flock,sendto,recvfrom,connect"
CHUNKS = 2
# Each test process takes every so manieth call, so that they can run side by side.
PARTS = 4


def killed_at(store_path: str, number: int) -> bool:
    """Run the uploader until its `number`th call of CALLS; whether it lived to make so many."""
    command = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}"]
    command += ["-e", f"inject={CALLS}:signal=KILL:when={number}"]
    done = subprocess.run(
        [*command, "/usr/bin/python3", "-I", "-S", str(ROOT / "jobs/upload.py")],
        env={"BELABOX_METRICS_DATABASE": store_path, "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return True
    assert done.returncode == 0, done.stderr
    return False


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_each_step_nothing_is_lost_and_nothing_is_sent_twice_needlessly(tmp_path: Path, part: int) -> None:
    reached = 0
    for number in range(1 + part, 1000, PARTS):
        remote = Remote()
        directory = tmp_path / str(number)
        directory.mkdir()
        box = Box(directory, remote.url, chunk_size=50)
        # The job asks the machine's own clock.
        box.moment = clock.now()
        for at in range(CHUNKS * 2):
            box.sample(2, f"n{at}", count=25)
            box.wait(0.001)
        box.store.close()
        dead = killed_at(box.store.path, number)
        done = upload(box.store)
        assert done.returncode == 0, done.stderr
        check(box, remote)
        box.store.close()
        remote.close()
        if not dead:
            break
        reached = number
    # Fewer would mean that nothing was sent or written on the way.
    assert reached > 20


def check(box: Box, remote: Remote) -> None:
    connection = sqlite3.connect(box.store.path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM metrics WHERE NOT uploaded").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM flights").fetchone() == (0,)
    connection.close()
    assert box.pending() == 0
    arrived = Counter(remote.arrived())
    assert len(arrived) == CHUNKS * 50
    twice = {sample for sample, times in arrived.items() if times > 1}
    if twice:
        again = [(fields["Idempotency-Key"], body) for fields, body in remote.requests]
        (repeated,) = [request for request in set(again) if again.count(request) > 1]
        assert twice == set(samples(repeated[1]))
        assert max(arrived.values()) == 2
