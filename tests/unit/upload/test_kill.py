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

CHUNKS = 2
# What sends, receives, locks or writes, and how many of them there are at least. strace counts each for itself.
CALLS = (("connect", 1), ("sendto", 2), ("recvfrom", 2), ("flock", 2 * CHUNKS + 1), ("pwrite64", 20))


def killed_at(store_path: str, call: str, number: int) -> bool:
    """Run the uploader until its `number`th `call`; whether it lived to make so many."""
    command = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:signal=KILL:when={number}"]
    done = subprocess.run(
        [*command, "/usr/bin/python3", "-I", "-S", str(ROOT / "jobs/upload.py")],
        env={"BELABOX_METRICS_DATABASE": store_path, "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
        timeout=120,
    )
    if done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return True
    assert done.returncode == 0, done.stderr
    return False


@pytest.mark.parametrize(("call", "least"), CALLS)
def test_killed_at_each_step_nothing_is_lost_and_nothing_is_sent_twice_needlessly(
    tmp_path: Path, call: str, least: int
) -> None:
    reached = 0
    for number in range(1, 1000):
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
        dead = killed_at(box.store.path, call, number)
        done = upload(box.store)
        assert done.returncode == 0, done.stderr
        check(box, remote)
        box.store.close()
        remote.close()
        if not dead:
            break
        reached = number
    assert reached >= least


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
