"""The short form of machines that lose their power: two, with the shipped schedule, each cut off once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.link import account

from belabox_metrics import journal

from ..scratch import scratch
from ..vm.machine import Power, engine
from . import audit, state
from .lab import Box, measure
from .plan import plans

# By this chance the cut is one in a checkpoint, eight seconds after the first run was stored.
SEED = 0
SYNC = "belabox-metrics-sync.service"
PATIENCE_S = 300


@pytest.fixture(autouse=True)
def _possible() -> None:
    try:
        engine()
    except RuntimeError as missing:
        pytest.skip(str(missing))


def test_a_machine_that_loses_its_power_in_a_checkpoint_goes_on_where_it_was() -> None:
    found = measure(plans(cuts=1, machines=1, minutes=10, seed=SEED, up_s=10))
    summary = found["summary"]
    assert (list(summary["kinds"]), found["faults"]) == (["checkpoint"], [])
    stored, exported = summary["samples on the box, on the server"]
    assert 0 < stored <= exported


class Worst(random.Random):
    """The disk loses all that its cache has."""

    def choice(self, seq: Any) -> Any:
        return seq[0]


def test_a_file_system_that_forgets_for_long_is_synced_by_a_timer() -> None:
    """And nothing else writes back anything here."""
    with scratch() as folder:
        box = Box(Path(folder), "commit=600,data=writeback")
        try:
            power = box.machine.power_on()
            power.run("sysctl", "-qw", "vm.dirty_expire_centisecs=360000", "vm.dirty_writeback_centisecs=0")
            assert "commit=600" in power.run("cat", "/proc/self/mounts")
            before = state.of_archive(power.evidence())
            told = told_before_a_sync(power)
            # What is stored from now on is lost: that the kernel writes nothing by itself here is so.
            power.run("systemctl", "stop", "belabox-metrics-sync.timer")
            synced = len(power.records)
            wait_until(lambda: any(record.get("MESSAGE_ID") == journal.COLLECTED for record in power.records[synced:]))
            at = power.cut()
            box.disk.cut(Worst())
            after = state.of_archive(box.machine.power_on().evidence())
            posts = account.posts_of(box.server.requests())
            kept = audit.loss(before, after, told, posts, at, power.began)
            lost = audit.loss(before, after, power.records, posts, at, power.began).lost
            assert (kept.said > 0, kept.lost, kept.faults, lost > 0) == (True, 0, [], True)
        finally:
            box.close()


def told_before_a_sync(power: Power) -> list[dict[str, Any]]:
    """The records of what was stored, some at least, before a sync began that has ended."""
    began = 0
    told: list[dict[str, Any]] = []

    def is_done() -> bool:
        nonlocal began, told
        so_far = [record for record in power.records if record.get("MESSAGE_ID") == journal.COLLECTED]
        shown = dict(line.split("=", 1) for line in power.run("systemctl", "show", SYNC).splitlines())
        start, end = (int(shown[f"ExecMain{what}TimestampMonotonic"]) for what in ("Start", "Exit"))
        if not told or start == began:
            began, told = start, so_far
            return False
        assert shown["Result"] == "success"
        return end > start

    wait_until(is_done)
    return told


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
