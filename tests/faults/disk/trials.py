"""What a disk can answer but yes: a job says so in a line and leaves, and the next one works as if nothing had been."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator

from ..box import JOBS
from ..injection import Range, row, some
from ..outcome import Row, left_out
from .mounts import MOUNTS, Mount

# An error that the kernel gives, to what.
WRITES = "pwrite64,write,ftruncate,fallocate,fdatasync,fsync,rename,unlink,link,symlink,mkdir,rmdir,chmod,fchown,flock"
ERRORS = (
    ("EIO", WRITES, "input/output error at a write"),
    ("EIO", "pread64", "input/output error at a read"),
    ("ENOSPC", WRITES, "no space left at a write"),
    ("EDQUOT", WRITES, "quota exceeded at a write"),
)
# It writes to itself alone, and no disk is asked.
PIPE = ("health", "write")
# Of the short form: places that are tried for each of these; collections while a disk comes and goes.
PLACES, COLLECTIONS = 10, 12
MANY = 300
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
                yield _comes_and_goes(here, mount, MANY if long else COLLECTIONS)


def _comes_and_goes(here: Range, mount: Mount, times: int) -> Row:
    """Collections one after the other, while at any moment the disk begins to refuse, and at any moment it ends to."""
    chance = random.Random(SEED)
    folder = here.folder / "mounted"
    folder.mkdir(exist_ok=True)
    wrong: list[str] = []
    refused, recovered_s = 0, 0.0
    with mount.mounted(folder):
        box = here.template.copy(folder / "box")
        mount.own(folder)
        stop = threading.Event()

        def disturb() -> None:
            while not stop.is_set():
                stop.wait(chance.uniform(0, 0.3))
                mount.refuse(folder)
                stop.wait(chance.uniform(0, 0.3))
                mount.allow(folder)

        before = box.runs_of("collect")
        disturber = threading.Thread(target=disturb)
        disturber.start()
        said_to_be_stored = 0
        for _ in range(times):
            done = box.job("collect", before=mount.before)
            said_to_be_stored += done.returncode == 0
            refused += done.returncode != 0
            if done.returncode not in (0, 1, 75) or "Traceback" in done.stderr:
                wrong.append(f"{done.returncode}: {done.stderr.strip()[-300:]}")
        stop.set()
        disturber.join()
        mount.allow(folder)
        began = time.monotonic()
        done = box.job("collect", before=mount.before)
        recovered_s = time.monotonic() - began
        said_to_be_stored += done.returncode == 0
        if done.returncode:
            wrong.append(f"the next one: {done.stderr.strip()}")
        stored = box.runs_of("collect") - before
        wrong += box.wrong()
        del box
    lost, repeated = max(0, said_to_be_stored - stored), max(0, stored - said_to_be_stored)
    return Row(mount.said, times, lost, repeated, recovered_s, f"{refused} of them were refused", wrong)
