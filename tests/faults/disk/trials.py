"""What a disk can answer but yes: a job says so in a line and leaves, and the next one works as if nothing had been."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..box import JOBS, Box
from ..injection import Place, Range, Trial, row, some
from ..outcome import Row, left_out
from .mounts import MOUNTS, Full, Mount

# An error that the kernel gives, to what.
CHANGES = "pwrite64,write,ftruncate,fallocate,fdatasync,fsync,rename,unlink,link,symlink,mkdir,rmdir,chmod,fchown,flock"
# Of openat, those that may make a file.
WRITES = f"{CHANGES},openat"
ERRORS = (
    ("EIO", WRITES, "input/output error at a write"),
    ("EIO", "pread64", "input/output error at a read"),
    ("ENOSPC", WRITES, "no space left at a write"),
    ("EDQUOT", WRITES, "quota exceeded at a write"),
)
# It writes to itself alone, and no disk is asked.
PIPE = ("health", "write")
# Of the short form: places that are tried for each of these; jobs while a disk comes and goes, and where files are to
# be made. Of the long form: the same.
PLACES, TURNS, BARE = 10, 8, 3
MANY, MANY_BARE = 300, 100
# Their turns in one box, collections mostly; and in boxes of their own, where that makes files.
# Not maintenance where the disk is full: it may remove the oldest for want of room, as it is to.
IN_TURN = ("collect", "upload", "collect")
MAKING = ("collect, first of all", "upload", "maintain, archive", "apply")
# What a job that can't store may leave with: docs/recovery.md.
ALLOWED = (0, 75)
# It writes files for systemd, and a person waits for its answer.
BY_HAND = "apply"
# These may fail too, and say this: an archive may lie elsewhere than the database, and other steps have had their turn.
MAY_FAIL = {BY_HAND: "", "maintain, archive": "/archive"}
# So often it is tried to take what is left, while a disk is to refuse: jobs give back as well.
AGAIN_S = 0.01
SEED = 20261121


def trials(long: bool) -> Iterator[Row]:
    with Range() as here:
        every = [place for place in here.places(calls=f"{WRITES},pread64") if place[:2] != PIPE]
        for error, calls, said in ERRORS:
            places = [place for place in every if place.call in calls.split(",")]
            chosen = places if long else some(places, PLACES, SEED)
            for job in JOBS if long else ("",):
                of_job = [place for place in chosen if job in ("", place.job)]
                struck = (here.strike(place, f"error={error}") for place in of_job)
                yield row(f"{said}, {job or 'all jobs'}", struck, ends=False)
        # The disk is gone from there on, until the job has ended.
        chosen = some([place for place in every if place.call != "pread64"], MANY if long else PLACES, SEED)
        struck = (here.strike(place, "error=EIO", "+") for place in chosen)
        yield row("input/output error at each write from one on", struck, ends=False)
        for mount in MOUNTS:
            if os.geteuid() != 0:
                yield left_out(mount.said, "mounting needs root")
            elif mount.slow and not long:
                yield left_out(mount.said, "--long tries it")
            elif not mount.is_there():
                yield left_out(mount.said, "this kernel has none")
            else:
                yield _comes_and_goes(here, mount, MANY if long else TURNS)
                said = f"{mount.said}, where files are to be made"
                yield row(said, _made_meanwhile(here, mount, MANY_BARE if long else BARE), ends=False)


@contextmanager
def _disturbed(mount: Mount, folder: Path, chance: random.Random) -> Iterator[None]:
    """At any moment the disk begins to refuse, and at any moment it ends to, again and again."""
    over = threading.Event()

    def disturb() -> None:
        while not over.is_set():
            until = time.monotonic() + chance.uniform(0, 0.3)
            while time.monotonic() < until and not over.wait(AGAIN_S):
                mount.refuse(folder)
            mount.allow(folder)
            over.wait(chance.uniform(0, 0.3))

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        yield
    finally:
        over.set()
        disturber.join()
        mount.allow(folder)


def _comes_and_goes(here: Range, mount: Mount, times: int) -> Row:
    """Jobs one after the other in one box."""
    chance = random.Random(SEED)
    folder = here.folder / "mounted"
    folder.mkdir(exist_ok=True)
    wrong: list[str] = []
    refused, said_to_be_stored = 0, 0
    with mount.mounted(folder):
        here.server.forget()
        box = here.template.copy(folder / "box")
        mount.own(folder)
        before = box.runs_of("collect")
        with _disturbed(mount, folder, chance):
            for turn in range(times):
                job = IN_TURN[turn % len(IN_TURN)]
                done = box.job(job, before=mount.before)
                said_to_be_stored += job == "collect" and done.returncode == 0
                refused += done.returncode != 0
                if done.returncode not in ALLOWED or "Traceback" in done.stderr:
                    wrong.append(f"{job}: {done.returncode}: {done.stderr.strip()[-300:]}")
        began = time.monotonic()
        done = box.job("collect", before=mount.before)
        recovered_s = time.monotonic() - began
        said_to_be_stored += done.returncode == 0
        if done.returncode:
            wrong.append(f"the next one: {done.stderr.strip()}")
        stored = box.runs_of("collect") - before
        wrong += box.wrong()
        box.ready(box.job("upload", before=mount.before))
        lost, repeated = here.sent(box)
        wrong += here.unasked(box)
        del box
    lost, repeated = lost + max(0, said_to_be_stored - stored), repeated + max(0, stored - said_to_be_stored)
    return Row(mount.said, times, lost, repeated, recovered_s, f"{refused} of them were refused", wrong)


def _made_meanwhile(here: Range, mount: Mount, times: int) -> Iterator[Trial]:
    """Jobs in boxes of their own, each of which has to make files."""
    chance = random.Random(SEED)
    folder = here.folder / "mounted"
    folder.mkdir(exist_ok=True)
    with mount.mounted(folder):
        for turn in range(times):
            job = MAKING[turn % len(MAKING)]
            if isinstance(mount, Full) and "maintain" in job:
                continue
            template = here.box(job)
            box = template.copy(folder / "box")
            shutil.rmtree(template.folder)
            if job == BY_HAND:
                shutil.rmtree(box.units)
                box.units.mkdir()
            mount.own(folder)
            before = box.runs_of(job)
            done = _met(box, job, mount, folder, chance)
            trial = here.reckon(box, Place(job, mount.said, turn), before, done.returncode, done.stderr)
            may = job in MAY_FAIL and done.returncode == 1 and MAY_FAIL[job] in done.stderr
            if done.returncode not in ALLOWED and not may:
                trial.wrong.append(f"{job}: left with {done.returncode}: {done.stderr.strip()[-300:]}")
            yield trial


def _met(box: Box, job: str, mount: Mount, folder: Path, chance: random.Random) -> subprocess.CompletedProcess[str]:
    """The job's end, after a start at some moment of a disk that comes and goes."""
    with _disturbed(mount, folder, chance):
        time.sleep(chance.uniform(0, 0.3))
        return box.job(job, before=mount.before)
