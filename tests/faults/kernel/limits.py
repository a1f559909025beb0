"""Limits of control groups, version 2, in force: memory that runs out, a share of the processor that is used up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from ..outcome import Row
from . import books, slots
from .guest import Guest
from .slots import Span

COLLECTION = "belabox-metrics@memory.usage.service"
# What each may have as it is shipped, and what it says after it; lowered step by step, until none of it is left.
JOBS = {
    "collection": COLLECTION,
    "upload": "belabox-metrics-upload.service",
    "maintenance": "belabox-metrics-maintain.service",
}
SLICE = "belabox-metrics.slice"
_GROUP = "/sys/fs/cgroup/belabox.slice/belabox-metrics.slice"
_LEAST, _STEPS, _SHORT_STEPS = 512 * 1024, 8, 2
# Where the peak is left when a job is over: its group is gone by then. `+`: outside of the sandbox.
_PEAK = "/run/lab-peak"
_WRITE_PEAK = (
    "[Unit]\nStartLimitIntervalSec=0\n[Service]\n"
    f"ExecStopPost=-+/bin/sh -c 'cat /sys/fs/cgroup$$(cut -d: -f3 /proc/self/cgroup)/memory.peak >{_PEAK}'\n"
)


class Ended(NamedTuple):
    result: str
    peak: int
    took_s: float


def memory(guest: Guest, long: bool) -> Iterator[Row]:
    for unit in ("belabox-metrics@.service", *list(JOBS.values())[1:]):
        guest.write(f"/run/systemd/system/{unit}.d/lab.conf", _WRITE_PEAK)
    guest.sh("systemctl daemon-reload")
    guest.stop_timers()
    for said in JOBS if long else list(JOBS)[:1]:
        yield _starved(guest, said, JOBS[said], _STEPS if long else _SHORT_STEPS)
    guest.sh("rm -r /run/systemd/system/belabox-metrics*.service.d; systemctl daemon-reload")
    guest.start_timers()


def _starved(guest: Guest, said: str, unit: str, steps: int) -> Row:
    """As it is shipped it needs so much; then it has so much, and less and less, down to nothing."""
    _start(guest, COLLECTION)
    began = guest.uptime()
    shipped = int(guest.sh(f"systemctl show --property MemoryMax --value {unit}"))
    needed = _start(guest, unit)
    wrong = [] if needed.result == "success" else [f"as shipped: {needed.result}"]
    killed, longest = 0, 0.0
    for step in range(steps):
        limit = _LEAST + (needed.peak - _LEAST) * (steps - 1 - step) // steps
        if unit != COLLECTION:
            # That there is something to be done.
            _start(guest, COLLECTION)
        guest.sh(f"systemctl set-property --runtime {unit} MemoryMax={limit}")
        ended = _start(guest, unit)
        killed += ended.result == "oom-kill"
        if ended.result not in ("oom-kill", "success"):
            wrong.append(f"with {limit} bytes: {ended.result}")
        guest.sh(f"systemctl set-property --runtime {unit} MemoryMax={shipped}")
        again = _start(guest, unit)
        longest = max(longest, again.took_s)
        if again.result != "success":
            wrong.append(f"after {limit} bytes: {again.result}")
    guest.sh(f"systemctl set-property --runtime {unit} MemoryMax=; systemctl revert {unit}", check=False)
    if killed and not guest.told("ran out of memory", began):
        wrong.append("nobody tells that it ran out of memory")
    note = f"{killed} killed; at its peak {needed.peak / 1e6:.1f} MB, of {shipped / 1e6:.0f} that it may have"
    lost = len(books.read(guest).missing(began))
    return Row(f"memory.max of {said} lowered", steps, lost, 0, longest, note, wrong + books.damage(guest))


def _start(guest: Guest, unit: str) -> Ended:
    began = time.monotonic()
    guest.sh(f"rm -f {_PEAK}; systemctl start {unit}", check=False)
    took = time.monotonic() - began
    result = guest.sh(f"systemctl show --property Result --value {unit}; cat {_PEAK} 2>/dev/null || echo 0")
    guest.sh(f"systemctl reset-failed {unit}", check=False)
    word, peak = result.split()
    return Ended(word, int(peak), took)


def _recovered(guest: Guest) -> float:
    """Seconds until jobs do their work again; what has failed before is forgotten."""
    back = time.monotonic()
    guest.wait_for_runs(2)
    took = time.monotonic() - back
    guest.sh("systemctl reset-failed 'belabox-metrics*'", check=False)
    return took


def whole_slice(guest: Guest, hold_s: float) -> Row:
    """All jobs together have too little, while the schedule goes on."""
    began = guest.uptime()
    # What is in the group stays counted there: a limit below that is met at once.
    guest.sh(f"systemctl set-property --runtime {SLICE} MemoryHigh=infinity MemoryMax=1M")
    time.sleep(hold_s)
    kills = int(guest.sh(f"sed -n 's/^oom_kill //p' {_GROUP}/memory.events"))
    guest.sh(f"systemctl set-property --runtime {SLICE} MemoryHigh=150M MemoryMax=200M")
    took = _recovered(guest)
    found = books.read(guest)
    left_out = found.left_out(slots.due(guest), Span(began, guest.uptime()))
    wrong = books.damage(guest) + ([] if kills else ["nothing was killed"])
    note = f"{kills} killed, {left_out.number} runs left out"
    return Row("memory.max of the slice at 1 MB", 1, len(found.missing(began)), 0, took, note, wrong)


def share(guest: Guest, percent: int, hold_s: float, *, may_leave_out: bool) -> Row:
    """Of the processor, for all jobs together."""
    guest.sh(f"systemctl set-property --runtime {SLICE} CPUQuota={percent}%")
    began = guest.uptime()
    used_before, throttled_before = _cpu(guest)
    time.sleep(hold_s)
    used, throttled = _cpu(guest)
    ended = guest.uptime()
    guest.sh(f"systemctl set-property --runtime {SLICE} CPUQuota=")
    took = _recovered(guest)
    found = books.read(guest)
    left_out = found.left_out(slots.due(guest), Span(began, ended))
    wrong = books.damage(guest)
    if not throttled - throttled_before:
        wrong.append("it was not throttled")
    if not may_leave_out:
        wrong += left_out.wrong()
    had = (used - used_before) / 1e6 / (ended - began)
    if had > percent / 100 * 1.1:
        wrong.append(f"it had {had:.0%}")
    note = f"{had:.0%} used, throttled {throttled - throttled_before} times, {left_out.number} runs left out"
    return Row(f"cpu.max of the slice at {percent} %", 1, len(found.missing(began)), 0, took, note, wrong)


def _cpu(guest: Guest) -> tuple[int, int]:
    """Microseconds used, periods throttled."""
    found = dict(line.split() for line in guest.sh(f"cat {_GROUP}/cpu.stat").splitlines())
    return int(found["usage_usec"]), int(found["nr_throttled"])
