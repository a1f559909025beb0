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
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.link import account

from ..scratch import scratch
from ..vm.disk import Cut, Disk
from ..vm.machine import Machine, Power, built, engine, pace
from ..vm.network import Network
from ..vm.server import URL, Server
from . import audit, moments, report, state
from .balance import Aftermath, Reckoning, aftermath, balance
from .moments import BOOTING_SHARE
from .plan import Plan
from .resumption import Resumption, resumed, schedule_of
from .state import State

INSTALL = Path(__file__).parents[1] / "vm/install"
DRAIN_S = 180


class Box:
    """A machine with everything installed by the script, sending to a server of its own; in `folder`, with `image`, its
    disk. `mount`: as Plan's."""

    def __init__(self, folder: Path, mount: str = "") -> None:
        image, address = built(), folder / "nbd"
        self.image = folder / "disk.raw"
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", image / "disk.raw", self.image], check=True)
        if mount:
            # In the file system itself: whatever mounts it does so with these. Not by tune2fs, which takes no comma.
            asked = f"set_super_value mount_opts {mount}"
            subprocess.run(["debugfs", "-w", "-R", asked, self.image], check=True, capture_output=True)
            told = subprocess.run(["dumpe2fs", "-h", self.image], check=True, capture_output=True, text=True).stdout
            if mount not in told:
                raise RuntimeError(f"debugfs did not take the options {mount}")
        with (folder / "installed").open("wb") as said:
            subprocess.run([INSTALL, self.image, URL, *pace()], check=True, stderr=said)
        self.network = Network()
        self.server = Server(folder / "server", self.network)
        self.disk = Disk(self.image, address)
        self.machine = Machine(image, self.disk, address, folder, self.network)

    def close(self) -> None:
        self.machine.unplug()
        self.disk.close()
        self.server.close()
        self.network.close()


def play(plan: Plan) -> dict[str, Any]:
    """One machine's share. Everything of it is gone with this process."""
    # A machine's clock runs on while it waits for another, or its disk for this host, and what the jobs do would seem
    # to take as long.
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[plan.number % len(processors)]})
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    with scratch() as directory:
        say(plan.number, f"installing, {engine()}, seed {plan.seed}")
        box = Box(Path(directory), plan.mount)
        try:
            return cut_again_and_again(box, plan)
        finally:
            box.close()


def cut_again_and_again(box: Box, plan: Plan) -> dict[str, Any]:
    """Until there were so many, or it is so late; or until the machine is silent, which is a fault."""
    past = Past([], [], [])
    try:
        end = reckon(box, plan.number, cut_each(box, plan, past), past)
    except AssertionError as silent:
        box.machine.unplug()
        place = Path(tempfile.gettempdir()) / f"powercut-machine{plan.number}-fell-out.raw"
        subprocess.run(["cp", "--sparse=always", box.image, place], check=True)
        fault = f"machine {plan.number} fell out after {len(past.cuts)} cuts, its disk is {place}: {silent}"
        say(plan.number, fault)
        nothing = Reckoning(0, 0, 0, 0, 0, [])._asdict()
        end = {"reckoning": nothing, "sessions": {}, "runs": 0, "boots": 0, "faults": [fault]}
    return {"number": plan.number, "cuts": past.cuts, "looks": past.looks} | end


class Past(NamedTuple):
    """What a machine has been through: its cuts and the looks at its disk, as rows of the report, and what each cut has
    left that somebody looked at."""

    cuts: list[dict[str, Any]]
    looks: list[dict[str, Any]]
    aftermaths: list[Aftermath]


def cut_each(box: Box, plan: Plan, past: Past) -> Power:
    """What was found goes into `past`; the machine as it is on in the end."""
    chance, until = random.Random(plan.seed), time.time() + plan.minutes * 60
    cuts = past.cuts
    power = box.machine.power_on()
    before = state.of_archive(power.evidence())
    schedule = schedule_of(power)
    while len(cuts) < plan.cuts and time.time() < until:
        kind = moments.kind_of(chance)
        watch = partial(look, power, box, before, chance)
        silent = []
        try:
            past.looks.extend(moments.wait(power, kind, box.disk, box.server, chance, plan.up_s, watch))
        except AssertionError as nothing:
            silent = [str(nothing).partition(";")[0]]
        at = power.cut()
        row = row_of(kind, power.began, at, box.disk.cut(chance))
        cuts.append(row)
        unsound = unsound_files(power)
        again = box.machine.power_on()
        # The power may go again before anybody has looked: what is found then is what is left of both cuts.
        early: list[dict[str, Any]] = []
        while (
            len(cuts) < plan.cuts and chance.random() < BOOTING_SHARE and moments.wait_booting(again, box.disk, chance)
        ):
            off = again.cut()
            early.append(row_of(report.BOOTING, again.began, off, box.disk.cut(chance)))
            early[-1]["faults"] = [*said_early(again.records), *unsound_files(again)]
            cuts.append(early[-1])
            again = box.machine.power_on()
        archive = again.evidence()
        after = state.of_archive(archive)
        posts = account.posts_of(box.server.requests())
        back = resumed(power.records, [post.at for post in posts], power.began, at, schedule)
        found = audit.loss(before, after, power.records, posts, at, power.began)
        past.aftermaths.append(aftermath(at, after))
        row |= found._asdict() | back._asdict() | {"files": after.files}
        row["evidence_s"] = round(time.time() - again.began, 2)
        row["faults"] = [*silent, *unsound, *back.faults, *found.faults, *sessions_left(after)]
        row["complaints"] = dict(audit.failures(power.records))
        for place, one in enumerate([row, *early], len(cuts) - len(early)):
            say(plan.number, f"cut {place}, {report.line(one)}")
        if found.faults:
            keep(archive, power.records, plan.number, len(cuts))
        power, before = again, after
    return power


def reckon(box: Box, number: int, power: Power, past: Past) -> dict[str, Any]:
    """All is sent: what the machine has, and the server."""
    final, left = drain(power)
    posts = account.posts_of(box.server.requests())
    reckoning = balance(final, box.server.exported(), posts, past.aftermaths)
    statuses = Counter(status for status, _, _ in final.sessions)
    say(number, f"at the end: {reckoning}; sessions {dict(statuses)}")
    return {
        "reckoning": reckoning._asdict(),
        "sessions": dict(statuses),
        "runs": len(final.runs),
        "boots": final.boots,
        "faults": [*reckoning.faults, *left],
    }


def row_of(kind: str, began: float, cut: float, cache: Cut) -> dict[str, Any]:
    """Of a cut that nothing is known of yet."""
    nothing = audit.Loss(0, 0, 0.0, 0, 0.0, [])._asdict() | Resumption(None, None, 0, False, [])._asdict()
    times = {"kind": kind, "began": began, "cut": cut, "up_s": round(cut - began, 2)}
    return nothing | times | {"cache": cache._asdict(), "complaints": {}}


def unsound_files(power: Power) -> list[str]:
    """The file system itself must be whole; what is wrong with it else would be taken for the jobs'."""
    return [line.strip() for line in power.printed().splitlines() if "EXT4-fs error" in line][:3]


def said_early(records: list[dict[str, Any]]) -> list[str]:
    """No job may run before the database was looked at."""
    return ["a job ran before the evidence was sent"] if records else []


def look(power: Power, box: Box, before: State, chance: random.Random) -> dict[str, Any]:
    """What there would be, were the power to go now."""
    kind = "checkpoint" if chance.random() < 0.25 else "random"
    if kind == "checkpoint":
        moments.begin_checkpoint(power, chance)
    with scratch() as folder:
        path = Path(folder) / "disk.raw"
        at, records = time.time(), list(power.records)
        cache = box.disk.as_if_cut(chance, path)
        found = state.of_disk(path)
    missed = audit.loss(before, found, records, account.posts_of(box.server.requests()), at, power.began)
    return {"kind": kind, "up_s": round(at - power.began, 2), "cache": cache._asdict()} | missed._asdict()


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
    faults = [*unsound_files(power), *(f"failed: {line.split()[0]}" for line in failed if line.startswith("belabox"))]
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


def measure(plans: list[Plan]) -> dict[str, Any]:
    """All of them at once."""
    with ProcessPoolExecutor(len(plans)) as pool:
        running = [pool.submit(play, plan) for plan in plans]
        # What one has found is not lost with the lab of another.
        broke = [
            f"the lab of machine {plan.number} broke: {one.exception()!r}"
            for plan, one in zip(plans, running)
            if one.exception()
        ]
        played = [one.result() for one in running if not one.exception()]
    result = {"seed": plans[0].seed, "engine": engine(), "mount": plans[0].mount, "machines": played}
    result["summary"] = report.summary(played)
    done, wanted = (sum(each) for each in ([len(one["cuts"]) for one in played], [plan.cuts for plan in plans]))
    fewer = [f"{done} of {wanted} cuts: the time was up, or a machine fell out"] if done < wanted else []
    result["faults"] = [*fewer, *broke, *(fault for one in played for fault in report.faults(one))]
    return result
