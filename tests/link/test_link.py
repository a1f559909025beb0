"""All of a sample's way on a link that fails in each way there is, in three minutes.

`BELABOX_METRICS_LINK_MINUTES=30 tests/run tests/link` is the half hour of docs/reliability.md.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.machine

MINUTES = os.environ.get("BELABOX_METRICS_LINK_MINUTES", "3")
COMMAND = Path(__file__).with_name("run")


def test_each_sample_arrives_and_more_than_once_only_where_the_box_could_not_know(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("containers need root")
    done = subprocess.run(
        [COMMAND, "--minutes", MINUTES, "--results", tmp_path], capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    (written,) = tmp_path.iterdir()
    result = json.loads(written.read_text())
    assert result["faults"] == []
    phases = {row["kind"]: row for row in result["phases"]}
    # What went well proves little where nothing was tried.
    assert phases["outage"]["uploads_whole"] == 0
    # In the short form one attempt may outlast a phase, and is counted with the next.
    assert sum(phases[kind]["uploads_failed"] for kind in ("outage", "expired", "stopped")) > 0
    assert phases["killing"]["killed"] > 0
    assert phases["stepping"]["killed"] > 5
    assert result["account"]["copies"].get("the answer was cut", 0) > 0
    # Most are there before the next one comes, five seconds later: they don't wait for a timer.
    assert result["critical"]["median_s"] < 5
