"""When the power goes: how a cut is timed, and what is looked at until then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from belabox_metrics import journal

from ..vm.disk import Disk
from ..vm.machine import Power, pace
from ..vm.server import Server

# How many of a hundred cuts of a machine that is up are: at any time; while its disk has something in its cache; just
# after the jobs could begin; right after an upload was accepted; in a checkpoint.
KINDS = {"random": 35, "writing": 15, "starting": 10, "uploading": 20, "checkpoint": 20}
STARTING_S, UPLOADING_S = 25.0, 45.0
# How often the power goes once more before the machine has told what is left, and by when it has, by what jobs cost
# there. Most of these cuts come after so many blocks: the first that are written, ten to fifty as a rule, are the file
# system's replay of its journal, which takes milliseconds.
BOOTING_SHARE, REPLAYING, REPLAYED = 0.2, 0.75, 60
BOOTING_S = {"": 9.0, "slow": 9.0, "slower": 30.0}
# Within so long after it was asked for, a checkpoint is going on.
CHECKPOINT_S = 4.0
# What waits in a drive's cache waits for milliseconds.
_WRITING_S = 0.03
_PATIENCE_S = 30.0

T = TypeVar("T")


def kind_of(chance: random.Random) -> str:
    return chance.choices(list(KINDS), list(KINDS.values()))[0]


def wait(
    power: Power, kind: str, disk: Disk, server: Server, chance: random.Random, up_s: float, look: Callable[[], T]
) -> list[T]:
    """Until the power is to go; what was looked at now and then."""
    looks: list[T] = []
    if kind == "starting":
        time.sleep(chance.uniform(0, STARTING_S))
        return looks
    power.wait_for("MESSAGE_ID", journal.COLLECTED)
    end = time.time() + chance.uniform(2, up_s)
    while (pause := chance.uniform(8, 30)) < end - time.time():
        time.sleep(pause)
        looks.append(look())
    time.sleep(max(0.0, end - time.time()))
    if kind == "writing":
        _until(lambda: disk.unflushed > 0, _PATIENCE_S)
        time.sleep(chance.uniform(0, _WRITING_S))
    if kind == "uploading":
        heard = server.heard()
        _until(lambda: server.heard() > heard, UPLOADING_S)
        time.sleep(chance.uniform(0, 1.0))
    if kind == "checkpoint":
        begin_checkpoint(power, chance)
    return looks


def wait_booting(power: Power, disk: Disk, chance: random.Random) -> bool:
    """Until the power is to go while the machine boots; False when it is too late for that."""
    most = BOOTING_S["".join(pace())]
    left = chance.uniform(0, most)
    if chance.random() < REPLAYING:
        disk.unplug_after(chance.randint(1, REPLAYED))
        left = most
    _until(lambda: power.has_told or not disk.has_power, left)
    disk.unplug_after(None)
    return not power.has_told or not disk.has_power


def begin_checkpoint(power: Power, chance: random.Random) -> None:
    """And be in the middle of it."""
    power.begin("systemctl", "start", "--no-block", "belabox-metrics-maintain.service")
    time.sleep(chance.uniform(0, CHECKPOINT_S))


def _until(condition: Callable[[], bool], most_s: float) -> None:
    deadline = time.monotonic() + most_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
