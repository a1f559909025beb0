"""The short form of `tests/faults/run neighbours`."""

from __future__ import annotations

import os
import shutil

import pytest
from tests.machine.machine import booted

from .trials import trials

pytestmark = pytest.mark.machine


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("systemd-nspawn") is None, reason="containers need root")
def test_neighbours_neither_lose_a_sample_nor_fail_a_unit() -> None:
    with booted(f"test-{os.getpid()}-neighbours") as machine:
        machine.run("/src/install.sh", timeout=300)
        rows = list(trials(machine, long=False))
    assert [(row.fault, row.lost, row.repeated, row.wrong) for row in rows if not row.is_as_promised] == []
    assert len(rows) == 10
