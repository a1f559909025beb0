"""A fault at one system call of a job, by strace: a signal in its place, or an error for its answer."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .box import JOBS, PYTHON, ROOT, Box
from .outcome import Row
from .scenes import SCENES, Scene
from .scratch import scratch
from .server import Sample, Server

# What makes or changes a file, holds a lock or speaks with the server.
CALLS = (
    "pwrite64,write,ftruncate,fallocate,fdatasync,fsync,rename,unlink,link,symlink,mkdir,rmdir,chmod,fchown,flock,"
    "connect,sendto,recvfrom,socket,openat"
)
QUIET = ("strace", "-f", "-qq", "-o")
# Not told of other calls it takes half the time; but then it puts no signal in the place of one.
QUICK = ("strace", "-f", "--seccomp-bpf", "-qq", "-o")


class Place(NamedTuple):
    """The `at`th `call` of a job."""

    job: str
    call: str
    at: int

    def struck(self, what: str, on: str = "", log: str = "/dev/null") -> list[str]:
        """`what`: "signal=KILL", "error=EIO"; `on`: "+" for this and all that follow. `log`: of what strace sees."""
        injected = f"inject={self.call}:{what}:when={self.at}{on}"
        return [*(QUIET if "signal" in what else QUICK), log, "-e", f"trace={self.call}", "-e", injected]

    def __str__(self) -> str:
        return f"{self.job}, {self.call} {self.at}"


class Trial(NamedTuple):
    """`struck`: it did not end as it would have. `lost`, `repeated`: runs; of the uploader, samples."""

    place: Place
    struck: bool
    lost: int
    repeated: int
    recovered_s: float
    wrong: list[str]

    @property
    def is_wrong(self) -> bool:
        return bool(self.lost or self.repeated or self.wrong)


def row(fault: str, trials: Iterable[Trial], note: str = "", *, ends: bool = True) -> Row:
    """All of them in one line; where the fault `ends` a job, those that got so far as to meet it."""
    every = list(trials)
    found = [trial for trial in every if trial.struck or trial.is_wrong or not ends]
    struck = sum(trial.struck for trial in found)
    return Row(
        fault,
        len(found),
        sum(trial.lost for trial in found),
        sum(trial.repeated for trial in found),
        max([trial.recovered_s for trial in found], default=None),
        note if ends else f"{struck} of them said so and left",
        [what for trial in found for what in trial.wrong],
    )


class Range:
    """Boxes that are all alike, a server, and room for them."""

    def __init__(self) -> None:
        self._scratch = scratch()
        self.folder = Path(self._scratch.name)
        self.server = Server()
        self.template = Box.made(self.folder / "template", self.server.url)
        self._sets: dict[str, tuple[Box, Scene]] = {}
        self._number = 0

    def __enter__(self) -> Range:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()
        self._scratch.cleanup()

    def box(self, job: str = "") -> Box:
        """A fresh one; `job` has something to do in it."""
        self._number += 1
        template, _ = self._set(job)
        self.server.forget()
        return template.copy(self.folder / str(self._number))

    def _set(self, job: str) -> tuple[Box, Scene]:
        """The box that those of this job are copies of, and its scene."""
        name = JOBS[job].scene if job else ""
        if name not in self._sets:
            scene = SCENES[name]()
            box = self.template.copy(self.folder / f"template {name}") if name else self.template
            scene.set(box)
            self._sets[name] = box, scene
        return self._sets[name]

    def places(self, jobs: tuple[str, ...] = tuple(JOBS), calls: str = CALLS) -> Iterator[Place]:
        """All there are: each job is watched once."""
        # Else the first of each would open more files than those that follow, to write byte code.
        subprocess.run([PYTHON, "-m", "compileall", "-q", ROOT / "lib", ROOT / "jobs"], check=True)
        for job in jobs:
            box, trace = self.box(job), self.folder / "trace"
            box.ready(box.job(job, before=[*QUICK, str(trace), "-e", f"trace={calls}"]))
            told = trace.read_text()
            made = Counter(re.findall(r"^\d+\s+(\w+)\(", told, re.MULTILINE))
            for call, times in made.items():
                for at in _making(told) if call == "openat" else range(1, times + 1):
                    yield Place(job, call, at)

    def strike(self, place: Place, what: str, on: str = "") -> Trial:
        """A fault in a fresh box; then the same job again, unharmed."""
        box = self.box(place.job)
        before = box.runs_of(place.job)
        done = box.job(place.job, before=place.struck(what, on))
        return self.reckon(box, place, before, done.returncode, done.stderr)

    def reckon(self, box: Box, place: Place, before: int, code: int, said: str, *, is_last: bool = True) -> Trial:
        """What is left of a job that had `before` runs, and left with `code` and these words. `is_last`: the box is
        needed no more."""
        own = JOBS[place.job].stores or 0
        _, scene = self._set(place.job)
        stored = box.runs_of(place.job) - before
        wrong = [f"{place}: a traceback: {said.splitlines()[-1]}"] if "Traceback" in said else []
        wrong += [f"{place}: {what}" for what in scene.left(box, code)]
        lost = max(0, own - stored) if code == 0 else 0
        repeated = max(0, stored - own)
        began = time.monotonic()
        again = box.job(place.job)
        recovered_s = time.monotonic() - began
        if again.returncode:
            wrong.append(f"{place}: the next one: {again.stderr.strip()}")
        if box.runs_of(place.job) - before - stored != own:
            wrong.append(f"{place}: the next one has not stored its run")
        scene.settle(box)
        wrong += [f"{place}: {what}" for what in scene.wrong(box)]
        reckoned = [scene.reckoned(box, code)]
        if scene.is_sending or place.job == "upload":
            box.ready(box.job("upload"))
            reckoned.append(self.sent(box))
            wrong += [f"{place}: {what}" for what in self.unasked(box)]
        lost, repeated = lost + sum(of[0] for of in reckoned), repeated + sum(of[1] for of in reckoned)
        if place.job == "apply" and _texts(box.units) != _texts(self.template.units):
            wrong.append(f"{place}: the units are not those of the configuration")
        if place.job == "health" and '"status"' not in again.stdout:
            wrong.append(f"{place}: no answer")
        if is_last:
            shutil.rmtree(box.folder)
        return Trial(place, code != 0, lost, repeated, recovered_s, wrong)

    def sent(self, box: Box) -> tuple[int, int]:
        """How many samples the server lacks, and how many it was sent twice without need."""
        arrived = self.server.arrived()
        fresh = Counter(
            (labels["of"], at, value)
            for labels, at, value in ((json.loads(name), at, value) for name, at, value in arrived)
            if labels["__name__"] == "fresh_value"
        )
        # What jobs have found is known to nobody but the box itself.
        others = set(_samples(box, "uploaded AND metric_name NOT IN ('past.value', 'fresh.value')"))
        lost = sum((box.known.fresh - fresh).values()) + len(others - set(arrived))
        return lost, sum(times - 1 for times in arrived.values())

    def unasked(self, box: Box) -> list[str]:
        """What the server has that the box never had, or has as another value."""
        other = set(self.server.arrived()) - set(_samples(box, "TRUE"))
        return [f"{len(other)} samples were sent that are not stored, as {min(other)}"] if other else []


def _samples(box: Box, where: str) -> Iterator[Sample]:
    """As the server is to have them."""
    columns = "metric_name, device_id, tags, timestamp_ms, metric_value"
    for name, device, tags, at, value in box.sql(f"SELECT {columns} FROM metrics WHERE value_type = 0 AND {where}"):
        labels = {**json.loads(str(tags or "{}")), "__name__": str(name).replace(".", "_"), "device_id": device}
        yield json.dumps(labels, sort_keys=True), int(str(at)), float(str(value))


def _making(told: str) -> list[int]:
    """Which of a job's calls of openat, from 1 on, may make a file. Of the first thread alone: strace counts each for
    itself, and while Python starts it opens files that lead nowhere."""
    itself = told.split(maxsplit=1)[0]
    opened = re.findall(rf"^{itself}\s+openat\((.*)", told, re.MULTILINE)
    return [at for at, said in enumerate(opened, 1) if "O_CREAT" in said]


def _texts(folder: Path) -> dict[str, str]:
    """What each file below holds, and where each link leads."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_text()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def some(places: list[Place], most: int, seed: int) -> list[Place]:
    """So many of them by chance, of each job and call about as many as of another."""
    chance = random.Random(seed)
    kinds: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        kinds.setdefault((place.job, place.call), []).append(place)
    for kind in kinds.values():
        chance.shuffle(kind)
    order = list(kinds.values())
    chance.shuffle(order)
    rounds = [kind[turn] for turn in range(max(map(len, order))) for kind in order if turn < len(kind)]
    return rounds[:most]
