"""Each script, played; then what arrived is held against the truth, which is the value of each sample."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from belabox_metrics.store import history

from ..injection import Range
from ..outcome import Row
from ..scratch import scratch
from ..server import Server
from .life import HOUR_MS, MINUTE_MS, Life, handed_in
from .scripts import SCRIPTS, TOLD_MS, Script

# Between two collections.
STEP_MS, LONG_STEP_MS = 10 * MINUTE_MS, 60_000
# From this age on runs are minutes: retention.full_resolution.
FULL_MS = 48 * HOUR_MS
# What faketime(1) makes of the wall clock of a program, whose time since boot stays right.
SHIFTS = ("@1970-01-02 00:00:00", "+86400", "-3600", "+315360000")
# Those that never sleep: to sleep until a time is more than faketime understands.
PROGRAMS = ("collect", "collect", "upload")


def trials(long: bool) -> Iterator[Row]:
    for script in SCRIPTS:
        yield played(script, LONG_STEP_MS if long else STEP_MS)
    if shutil.which("faketime"):
        yield whole_processes()


def played(script: Script, step_ms: int) -> Row:
    server = Server()
    with scratch() as folder:
        life = Life(Path(folder), server, step_ms)
        server.now = lambda: life.true_ms / 1000
        with handed_in(life):
            script.play(life)
        row = reckoned(script, life)
        life.store.close()
    server.close()
    return row


def reckoned(script: Script, life: Life) -> Row:
    """What arrived against what was taken, and what is still there against what has to be."""
    came: list[tuple[str, int]] = []
    stamps: set[tuple[str, int, int]] = set()
    misplaced = 0
    for (name, stamp, value), times in life.server.arrived().items():
        labels = json.loads(name)
        if "truth_ms" not in labels["__name__"]:
            continue
        misplaced = max(misplaced, abs(stamp - int(value)))
        came += [(labels["of"], int(value))] * times
        stamps.add((labels["of"], int(value), stamp))
    lost = len(set(life.taken) - set(came))
    repeated = len(came) - len(set(came))
    wrong = [f"a sample is {misplaced} ms from where it belongs"] if misplaced > script.bound_ms else []
    if changed := len(set(life.kept) - stamps):
        wrong.append(f"{changed} samples have not the time that a clock showed which a time server kept")
    connection = life.store.connection()
    (whole,) = connection.execute("PRAGMA integrity_check").fetchone()
    if whole != "ok":
        wrong.append(f"integrity_check: {whole}")
    query = "SELECT metric, json_extract(packed, '$[0]') FROM runs JOIN jobs ON jobs.id = runs.job"
    rows = connection.execute(f"{query} WHERE metric LIKE 'truth%'").fetchall()
    kept = set(rows)
    if len(rows) != len(kept):
        wrong.append(f"{len(rows) - len(kept)} runs are stored twice")
    # An hour and a minute more than is kept: maintenance comes by the hour.
    young = {run for run in life.taken if run[1] > life.true_ms - FULL_MS + 2 * MINUTE_MS}
    old = {run for run in life.taken if run[1] < life.true_ms - FULL_MS - HOUR_MS - 2 * MINUTE_MS}
    if young - kept:
        wrong.append(f"{len(young - kept)} runs of the last two days are gone")
    if old & kept:
        wrong.append(f"{len(old & kept)} runs that are older were not rolled up")
    points = history.points(connection, ("truth.ms",), 0, 2**60)
    if (there := sum(point.count for series in points.values() for point in series)) != len(life.taken):
        wrong.append(f"{there} of {len(life.taken)} numbers are still there")
    note = f"misplaced by {misplaced} ms at most, promised are {script.bound_ms}"
    return Row(script.said, len(life.taken), lost, repeated, None, note, wrong)


def whole_processes(shifts: tuple[str, ...] = SHIFTS) -> Row:
    """The jobs as they are started, in a wrong time and then in the right one."""
    taken = lost = repeated = misplaced = 0
    wrong: list[str] = []
    with Range() as here:
        for shift in shifts:
            box = here.box()
            box.environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
            began_ms = time.time() * 1000
            before = box.runs_of("collect")
            for job in PROGRAMS:
                done = box.job(job, before=["faketime", "-f", shift])
                if done.returncode:
                    wrong.append(f"{shift}, {job}: {done.stderr.strip()}")
            for job in PROGRAMS:
                done = box.job(job)
                if done.returncode:
                    wrong.append(f"after {shift}, {job}: {done.stderr.strip()}")
            ended_ms = time.time() * 1000
            wrong += [f"{shift}: {what}" for what in box.wrong()]
            if rejected := box.number("SELECT count(*) FROM rejected"):
                wrong.append(f"{shift}: {rejected} samples were set aside")
            arrived = here.server.arrived()
            stamps = [stamp for name, stamp, _ in arrived if "memory_used" in name]
            taken += box.runs_of("collect") - before
            lost += box.runs_of("collect") - len(stamps)
            repeated += sum(times - 1 for times in arrived.values())
            # Two of those were collected when the box was made, shortly before.
            early = began_ms - MINUTE_MS
            misplaced = max(misplaced, *[int(max(early - stamp, stamp - ended_ms, 0)) for stamp in stamps])
    if misplaced > TOLD_MS:
        wrong.append(f"a sample is {misplaced} ms from where it belongs")
    note = f"misplaced by {misplaced} ms at most, promised are {TOLD_MS}"
    return Row("whole programs by faketime, four wrong clocks", taken, lost, repeated, None, note, wrong)
