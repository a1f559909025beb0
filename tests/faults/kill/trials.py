"""Each job, killed in each way there is: what it had said to be stored is, once and whole, and the next one works."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ..box import JOBS
from ..injection import Place, Range, Trial, row, some
from ..outcome import Row, left_out
from .memory import Memory

# Of the short form: places that are tried, moments, stops, limits of memory.
PLACES, MOMENTS, STOPS, LIMITS = 24, 6, 2, 2
MANY = 200
STARVED = ("collect", "upload", "maintain", "recover", "import")
SEED = 20261121
# What a job leaves with that is to be back by its timer.
TRY_LATER = 75
# So long one stands still: less than another waits for the lock before it leaves with 75, to be back by its timer.
STOPPED_S = 0.3
# The responder alone is never waited for: it only reads.
STOPPED = tuple(job for job in JOBS if job != "health")
# Stopped when it has just got the lock; the first of some is one of their own.
HOLDING = tuple(
    Place(job, "flock", at)
    for job, at in (("collect", 1), ("upload", 2), ("clock", 1), ("maintain", 2), ("apply", 2), ("failed", 1))
)
# Those that have something to do in a box that is well, each a run: so they can be told apart in one.
TOGETHER = tuple(name for name, job in JOBS.items() if job.stores and not job.scene and name != "maintain")


def trials(long: bool) -> Iterator[Row]:
    with Range() as here:
        places = list(here.places())
        for name, what in (("SIGKILL", "signal=KILL"), ("SIGTERM", "signal=TERM")):
            chosen = places if long else some(places, PLACES if name == "SIGKILL" else PLACES // 3, SEED)
            for job in JOBS if long else ("",):
                of_job = [place for place in chosen if job in ("", place.job)]
                said = f"{name} at a system call, {job or 'all jobs'}"
                yield row(said, (here.strike(place, what) for place in of_job))
        for name, number in (("SIGKILL", signal.SIGKILL), ("SIGTERM", signal.SIGTERM)):
            said = f"{name} at any time, six jobs at once"
            yield row(said, _at_any_time(here, number, MANY if long else MOMENTS))
        stops = [place for place in places if place.job in STOPPED]
        yield row("SIGSTOP, another job, SIGCONT", _stopped(here, some(stops, MANY if long else STOPS, SEED)))
        if long:
            yield row("SIGSTOP with the lock for longer than others wait", (_held(here, place) for place in HOLDING))
        with Memory() as memory:
            if not memory.is_there:
                yield left_out("killed by the kernel, out of memory", "no control group can be made here")
            else:
                for job in STARVED if long else STARVED[:1]:
                    enough = memory.needed(here, job) // 1024
                    said, note = f"killed by the kernel, out of memory: {job}", f"it gets along with {enough} KB"
                    yield row(said, _starved(here, memory, job, enough, 64 if long else enough // LIMITS), note)


def _at_any_time(here: Range, number: signal.Signals, times: int) -> Iterator[Trial]:
    """Several at once, each sent the signal whenever: nobody chose the place."""
    chance = random.Random(SEED)
    for turn in range(times // len(TOGETHER)):
        box = here.box()
        before = {job: box.runs_of(job) for job in TOGETHER}
        begun = {job: box.begin(job) for job in TOGETHER}
        for job in sorted(TOGETHER, key=lambda _: chance.random()):
            time.sleep(chance.uniform(0, 0.08))
            begun[job].send_signal(number)
        said = {job: process.communicate()[1] for job, process in begun.items()}
        for job, process in begun.items():
            place = Place(job, "at any time, turn", turn)
            is_last = job == TOGETHER[-1]
            yield here.reckon(box, place, before[job], process.returncode, said[job], is_last=is_last)


def _stopped(here: Range, places: list[Place]) -> Iterator[Trial]:
    """A job stands still in the middle; another comes, and has to wait if that one holds the lock."""
    for place in places:
        box = here.box(place.job)
        before = box.runs_of(place.job)
        log = box.folder / "stopped"
        begun = box.begin(place.job, before=place.struck("signal=STOP", log=str(log)))
        stopped = _wait_for_stop(begun, log)
        # A collection goes on in a database that it has begun anew; another job is content to have begun one.
        other = box.begin("collect" if place.job == "collect, with state" else "collect, with state")
        time.sleep(STOPPED_S)
        if stopped:
            subprocess.run(["kill", "-CONT", str(stopped)], check=True)
        said = begun.communicate()[1]
        other_said = other.communicate()[1]
        trial = here.reckon(box, place, before, begun.returncode, said)
        if other.returncode:
            trial.wrong.append(f"{place}: the other one: {other_said.strip()}")
        if begun.returncode:
            trial.wrong.append(f"{place}: did not go on: {begun.returncode} {said.strip()}")
        yield trial._replace(struck=bool(stopped))


def _held(here: Range, place: Place) -> Trial:
    """A job stands still with the lock until no other waits for it any more: these leave, and are back later."""
    box = here.box(place.job)
    others = [job for job in TOGETHER if job != place.job]
    before = {job: box.runs_of(job) for job in (place.job, *others)}
    log = box.folder / "stopped"
    begun = box.begin(place.job, before=place.struck("signal=STOP", log=str(log)))
    stopped = _wait_for_stop(begun, log)
    waiting = {job: box.begin(job) for job in others}
    answered = box.job("health")
    wrong = [] if answered.returncode == 0 and '"status"' in answered.stdout else [f"{place}: no answer meanwhile"]
    for job, process in waiting.items():
        said = process.communicate()[1].strip()
        if process.returncode != TRY_LATER or "the lock was not free for 10 s" not in said.rpartition("\n")[2]:
            wrong.append(f"{place}: {job} left with {process.returncode}: {said}")
    if stopped:
        subprocess.run(["kill", "-CONT", str(stopped)], check=True)
    said = begun.communicate()[1]
    if begun.returncode or not stopped:
        wrong.append(f"{place}: did not go on: {begun.returncode} {said.strip()}")
    for job in others:
        if box.runs_of(job) != before[job]:
            wrong.append(f"{place}: {job} left with {TRY_LATER} and has stored its run")
        wrong += here.reckon(box, Place(job, f"beside {place},", 1), before[job], TRY_LATER, "", is_last=False).wrong
    trial = here.reckon(box, place, before[place.job], begun.returncode, said)
    return trial._replace(struck=bool(stopped), wrong=wrong + trial.wrong)


def _wait_for_stop(tracer: subprocess.Popen[str], log: Path) -> int:
    """The process that strace watches, once it stands still; 0 when it has ended before."""
    while tracer.poll() is None:
        for line in log.read_text().splitlines() if log.exists() else []:
            if "--- stopped by SIGSTOP ---" in line:
                return int(line.split()[0])
        time.sleep(0.005)
    return 0


def _starved(here: Range, memory: Memory, job: str, enough: int, step: int) -> Iterator[Trial]:
    """Between too little to start and enough there is a place for the kernel to kill it at every step."""
    for limit in range(enough // 4, enough, step):
        box = here.box(job)
        before = box.runs_of(job)
        done = box.job(job, before=memory.within(limit * 1024))
        killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        place = Place(job, f"with {limit} KB", 1)
        yield here.reckon(box, place, before, done.returncode, done.stderr)._replace(struck=killed)
