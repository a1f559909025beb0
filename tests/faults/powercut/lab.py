"""The power cut lab: boots a box, takes its power away, and counts what is left; again and again.

While a machine is on its disk is looked at too, each time as it would be if the power went at that moment: such a look
asks the same of the database, costs no boot, and proves nothing about what the jobs then do.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.link import account

from belabox_metrics import journal

from ..scratch import scratch
from ..vm.disk import Disk
from ..vm.machine import BOOT_S, Machine, Power, built, engine, pace
from ..vm.network import Network
from ..vm.server import URL, Server
from . import audit, report, state
from .state import State

INSTALL = Path(__file__).parents[1] / "vm/install"
# Who has been up for so long must have collected all that is collected every ten seconds.
RESUMED_S = 30.0
OFTEN_MS = 10_000
# How a cut is timed, and how many of a hundred are: at any time; while it starts; right after an upload was accepted;
# in a checkpoint.
KINDS = {"random": 50, "starting": 15, "uploading": 15, "checkpoint": 20}
STARTING_S, UP_S = 25, 65
DRAIN_S = 180
# Within so long after it was asked for, a checkpoint is going on.
CHECKPOINT_S = 4.0


class Box:
    """A machine with everything installed by the script, sending to a server of its own; in `folder`."""

    def __init__(self, folder: Path) -> None:
        image = built()
        disk, address = folder / "disk.raw", folder / "nbd"
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", image / "disk.raw", disk], check=True)
        with (folder / "installed").open("wb") as said:
            subprocess.run([INSTALL, disk, URL, *pace()], check=True, stderr=said)
        self.network = Network()
        self.server = Server(folder / "server", self.network)
        self.disk = Disk(disk, address)
        self.machine = Machine(image, self.disk, address, folder, self.network)

    def close(self) -> None:
        self.machine.unplug()
        self.disk.close()
        self.server.close()
        self.network.close()


def play(number: int, cuts: int, until: float, seed: int, up_s: float) -> dict[str, Any]:
    """One machine's share. Everything of it is gone with this process."""
    chance = random.Random(seed)
    # A machine's clock runs on while it waits for another, or its disk for this host, and what the jobs do would seem
    # to take as long.
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[number % len(processors)]})
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    with scratch() as directory:
        say(number, f"installing, {engine()}, seed {seed}")
        box = Box(Path(directory))
        try:
            return cut_again_and_again(box, number, cuts, until, chance, up_s)
        finally:
            box.close()


def cut_again_and_again(
    box: Box, number: int, cuts: int, until: float, chance: random.Random, up_s: float
) -> dict[str, Any]:
    """Until there were so many, or it is so late (Unix time)."""
    rows: list[dict[str, Any]] = []
    looks: list[dict[str, Any]] = []
    power = box.machine.power_on()
    before = state.of_archive(power.evidence())
    often = metrics_often(power)
    while len(rows) < cuts and time.time() < until:
        kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
        silent = []
        try:
            looks += wait(power, kind, box, before, chance, up_s)
        except AssertionError as nothing:
            silent = [str(nothing).partition(";")[0]]
        at = power.cut()
        row = {"kind": kind, "began": power.began, "cut": at, "up_s": round(at - power.began, 2)}
        back, missed = resumed(power, at, often)
        row |= back
        cache = box.disk.cut(chance)
        again = box.machine.power_on()
        archive = again.evidence()
        row["evidence_s"] = round(time.time() - again.began, 2)
        after = state.of_archive(archive)
        found = audit.loss(before, after, power.records, account.posts_of(box.server.requests()), at, power.began)
        row |= found._asdict() | {"cache": cache._asdict(), "files": after.files}
        row["faults"] = [*silent, *missed, *found.faults, *sessions_left(after)]
        row["complaints"] = dict(audit.failures(power.records))
        rows.append(row)
        say(number, f"cut {len(rows)}, {report.line(row)}")
        if found.faults:
            keep(archive, power.records, number, len(rows))
        power, before = again, after
    final, left = drain(power)
    posts = account.posts_of(box.server.requests())
    instants = [row["cut"] for row in rows]
    reckoning = audit.balance(final, box.server.exported(), posts, instants)
    statuses = Counter(status for status, _, _ in final.sessions)
    say(number, f"at the end: {reckoning}; sessions {dict(statuses)}")
    return {
        "number": number,
        "cuts": rows,
        "looks": looks,
        "reckoning": reckoning._asdict(),
        "sessions": dict(statuses),
        "runs": len(final.runs),
        "boots": final.boots,
        "faults": [*reckoning.faults, *left],
    }


def wait(power: Power, kind: str, box: Box, before: State, chance: random.Random, up_s: float) -> list[dict[str, Any]]:
    """Until the power is to go; what was looked at meanwhile."""
    if kind == "starting":
        time.sleep(chance.uniform(0, STARTING_S))
        return []
    power.wait_for("MESSAGE_ID", journal.COLLECTED)
    looks = []
    end = time.time() + chance.uniform(2, up_s)
    while (pause := chance.uniform(8, 30)) < end - time.time():
        time.sleep(pause)
        looks.append(look(power, box, before, chance))
    time.sleep(max(0.0, end - time.time()))
    if kind == "uploading":
        heard, deadline = box.server.heard(), time.monotonic() + 45
        while box.server.heard() == heard and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 1.0))
    if kind == "checkpoint":
        begin_checkpoint(power, chance)
    return looks


def begin_checkpoint(power: Power, chance: random.Random) -> None:
    """And be in the middle of it."""
    power.begin("systemctl", "start", "--no-block", "belabox-metrics-maintain.service")
    time.sleep(chance.uniform(0, CHECKPOINT_S))


def look(power: Power, box: Box, before: State, chance: random.Random) -> dict[str, Any]:
    """What there would be, were the power to go now."""
    kind = "checkpoint" if chance.random() < 0.25 else "random"
    if kind == "checkpoint":
        begin_checkpoint(power, chance)
    with scratch() as folder:
        path = Path(folder) / "disk.raw"
        at, records = time.time(), list(power.records)
        cache = box.disk.as_if_cut(chance, path)
        found = state.of_disk(path)
    missed = audit.loss(before, found, records, account.posts_of(box.server.requests()), at, power.began)
    return {"kind": kind, "up_s": round(at - power.began, 2), "cache": cache._asdict()} | missed._asdict()


def metrics_often(power: Power) -> set[str]:
    """Those that are collected so often that they must have been by RESUMED_S."""
    listed = power.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "belabox-metrics@*.timer")
    names = [line.split()[0].partition("@")[2].removesuffix(".timer") for line in listed.splitlines() if line]
    query = "import sqlite3,sys; c=sqlite3.connect('file:/var/lib/belabox-metrics/metrics.db?mode=ro',uri=True);"
    query += "print(*[s[8:] for s,v in c.execute(\"select section,value from settings where key='interval_ms'\")"
    query += f" if s.startswith('metrics/') and int(v)<={OFTEN_MS}])"
    found = power.run("runuser", "-u", "metrics", "--", "/usr/bin/python3", "-I", "-c", query).split()
    return set(names) & set(found)


def resumed(power: Power, cut: float, often: set[str]) -> tuple[dict[str, Any], list[str]]:
    """How long after the power came what was done first, seconds; what should have been done and was not."""
    first: dict[str, float] = {}
    collected: dict[str, float] = {}
    for record in power.records:
        at = int(record["__REALTIME_TIMESTAMP"]) / 1e6 - power.began
        first.setdefault(str(record.get("MESSAGE_ID")), at)
        if record.get("MESSAGE_ID") == journal.COLLECTED:
            collected.setdefault(record["BELABOX_METRIC"], at)
    collecting = first.get(journal.COLLECTED)
    missed = []
    if collecting is not None and cut - power.began > collecting + RESUMED_S:
        missed = [f"not collected in {cut - power.began:.0f} s: {name}" for name in sorted(often - collected.keys())]
    if collecting is None and cut - power.began > BOOT_S:
        missed = [f"nothing was collected in {cut - power.began:.0f} s"]
    sent = first.get(journal.UPLOADED)
    return {
        "collecting_s": None if collecting is None else round(collecting, 2),
        "sent_s": None if sent is None else round(sent, 2),
    }, missed


def sessions_left(after: State) -> list[str]:
    """One at most is live: that of the boot before, which nobody has looked at since."""
    return [f"{after.active} sessions are live"] if after.active > 1 else []


def drain(power: Power) -> tuple[State, list[str]]:
    """The machine stays on until all is sent, and is read once more: (what it has, faults)."""
    power.wait_for("BELABOX_METRIC", "stream.session")
    deadline = time.monotonic() + DRAIN_S
    power.run("systemctl", "stop", "lab-stream.service", "belabox-metrics@*.timer")
    # It gives a stream up when it has missed it twice; before the last upload, as it is to be sent too.
    for _ in range(3):
        power.run("systemctl", "start", "--wait", "belabox-metrics@stream.session.service", timeout=DRAIN_S)
        time.sleep(5)
    while "nothing is pending" not in power.run("belabox-metrics", "upload", check=False, timeout=DRAIN_S):
        if time.monotonic() > deadline:
            break
        time.sleep(1)
    power.run("systemctl", "stop", "belabox-metrics.target")
    power.run("systemctl", "restart", "lab-evidence.service")
    final = state.of_archive(power.evidence(1))
    failed = power.run("systemctl", "--failed", "--plain", "--no-legend").split("\n")
    power.off()
    faults = [f"failed: {line.split()[0]}" for line in failed if line.startswith("belabox")]
    if final.active:
        faults.append(f"{final.active} sessions are still live")
    odd = [session for session in final.sessions if session[1] is None]
    if odd:
        faults.append(f"sessions without an end: {odd}")
    return final, faults


def keep(archive: bytes, records: list[dict[str, Any]], number: int, cut: int) -> None:
    """What is odd is worth a look."""
    place = Path(tempfile.gettempdir()) / f"powercut-machine{number}-cut{cut}"
    place.with_suffix(".tar").write_bytes(archive)
    place.with_suffix(".json").write_text(json.dumps(records))
    say(number, f"kept {place}.tar, and the records beside it")


def say(number: int, text: str) -> None:
    print(f"{time.strftime('%H:%M:%S', time.gmtime())}  {number}: {text}", flush=True)


def measure(cuts: int, machines: int, until: float, seed: int, up_s: float = UP_S) -> dict[str, Any]:
    """`until`: Unix time; `up_s`: how long a machine that collects is left in peace, at most."""
    shares = [cuts // machines + (number < cuts % machines) for number in range(machines)]
    with ProcessPoolExecutor(machines) as pool:
        running = [pool.submit(play, number, share, until, seed + number, up_s) for number, share in enumerate(shares)]
        # What one has found is not lost with the lab of another.
        broke = [
            f"the lab of machine {number} broke: {one.exception()!r}"
            for number, one in enumerate(running)
            if one.exception()
        ]
        played = [one.result() for one in running if not one.exception()]
    result = {"seed": seed, "engine": engine(), "machines": played}
    result["summary"] = report.summary(played)
    result["faults"] = [*broke, *(fault for one in played for fault in report.faults(one))]
    return result
