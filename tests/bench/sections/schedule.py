"""The schedule on a booted machine: CPU of all of it, of the manager and the journal too.

First the six metrics of the specification at its intervals, then all that the shipped configuration collects."""

from __future__ import annotations

import re
import time
from typing import NamedTuple

from tests.machine.machine import Machine, booted

from ...machine.specification import INTERVALS
from ..activation import QUIET_BARE, RUNTIME_UNITS, TICKS, Trial, cpu_of_starts, replaced
from ..figures import Figure, short
from ..options import Options
from ..processes import PEAK
from .activation import NAIVE, NAIVE_UNIT

RELAY = "http://127.0.0.1:8181/stats?publisher=publish/live/feed1"
CONFIG = "/etc/belabox-metrics/config.yaml"
JOBS = "/usr/lib/belabox-metrics/jobs"


class Account(NamedTuple):
    """CPU s so far: the manager's own, of what it started and has reaped, of the journal."""

    manager: float
    jobs: float
    journal: float

    def since(self, then: Account, seconds: float) -> Account:
        """CPU s a minute."""
        return Account(*((now - before) * 60 / seconds for now, before in zip(self, then)))

    @property
    def all(self) -> float:
        return sum(self)

    def __str__(self) -> str:
        return f"jobs and their starts {self.jobs:.3f}, manager {self.manager:.3f}, journal {self.journal:.3f}"


def measure(options: Options) -> list[Figure]:
    with booted("bench-schedule") as machine:
        machine.run("systemd-run", "--quiet", "--unit=relay", "/usr/bin/python3", "/src/tests/machine/relay.py")
        machine.run("/src/install.sh", "--remote", "http://127.0.0.1:8428/api/v1/import", timeout=300)
        # The stand-in tells of a loss that would send at once every five seconds; this is about a stream that is well.
        machine.run("sed", "-i", "s/^  packet_loss: {/&enabled: false, /", CONFIG)
        machine.run("cp", CONFIG, f"{CONFIG}.shipped")
        for metric in _shipped(machine) - set(INTERVALS):
            machine.run("sed", "-i", f"/name: {metric}\\b/,/enabled/ s/enabled: true/enabled: false/", CONFIG)
        source = f"/name: srt.packet_loss/a\\    config: {{url: '{RELAY}'}}"
        machine.run("sed", "-i", source, CONFIG)
        machine.wait_until(
            lambda: machine.sql("SELECT 1 FROM jobs WHERE metric = 'srt.packet_loss' AND samples_total > 0")
        )
        memory = _memory(machine)
        time.sleep(20)
        runs = _runs(machine)
        ours = _over(machine, options.seconds)
        runs = _runs(machine) - runs
        machine.run("cp", f"{CONFIG}.shipped", CONFIG)
        machine.run("belabox-metrics", "apply")
        time.sleep(20)
        shipped_runs = _runs(machine)
        shipped = _over(machine, max(60, options.seconds // 3))
        shipped_runs = _runs(machine) - shipped_runs
        machine.systemctl("stop", "belabox-metrics.target")
        idle = _over(machine, max(30, options.seconds // 10))
        naive = _naive(machine, max(60, options.seconds // 5))
        bare = cpu_of_starts(machine, [Trial("bare", QUIET_BARE)], 3)["bare"].median / 1000
    a_minute = runs * 60 / options.seconds
    shipped_a_minute = shipped_runs * 60 / max(60, options.seconds // 3)
    net = ours.all - idle.all
    return [
        Figure(
            "schedule",
            "CPU s a minute, all of it",
            net,
            "s",
            f"{ours}; without it {idle.all:.3f}; {options.seconds} s, {short(round(a_minute, 1))} runs a minute",
            1.0,
        ),
        Figure(
            "schedule",
            "CPU s a minute, every metric that is shipped, no stream live",
            shipped.all - idle.all,
            "s",
            f"{shipped}; {short(round(shipped_a_minute, 1))} runs a minute",
        ),
        Figure(
            "schedule", "÷ as many starts of a bare unit", net / (a_minute * bare), "x", f"{bare * 1000:.1f} ms each"
        ),
        Figure("schedule", "naive form, CPU s a minute", naive.all - idle.all, "s", f"{naive}; collections alone"),
        *[
            Figure("schedule", f"{job}, peak memory", mib, "MiB", "resident", 14 if "." in job else 40)
            for job, mib in memory.items()
        ],
    ]


def _shipped(machine: Machine) -> set[str]:
    """The metrics that have a timer as the configuration comes."""
    listed = machine.systemctl("list-timers", "--all", "--no-legend", "belabox-metrics@*")
    return set(re.findall(r"belabox-metrics@([\w.]+)\.timer", listed))


def _account(machine: Machine) -> Account:
    script = "cat /proc/1/stat /proc/$(pgrep -x systemd-journal)/stat"
    fields = [line.rpartition(")")[2].split() for line in machine.run("sh", "-c", script).stdout.splitlines()]
    manager, journal = ([int(field) / TICKS for field in line[11:15]] for line in fields)
    return Account(manager[0] + manager[1], manager[2] + manager[3], journal[0] + journal[1])


def _over(machine: Machine, seconds: int) -> Account:
    before, started = _account(machine), time.monotonic()
    time.sleep(seconds)
    return _account(machine).since(before, time.monotonic() - started)


def _runs(machine: Machine) -> int:
    return int(machine.sql("SELECT sum(runs_total) AS runs FROM jobs")[0]["runs"])


def _naive(machine: Machine, seconds: int) -> Account:
    """The same timers around the naive form."""
    for metric, interval in INTERVALS.items():
        unit = f"{RUNTIME_UNITS}/naive-{metric}"
        timer = f"[Timer]\nOnActiveSec={interval}s\nOnUnitActiveSec={interval}s\nAccuracySec=100ms\n"
        machine.run("tee", f"{unit}.service", input=replaced(NAIVE_UNIT, NAIVE))
        machine.run("tee", f"{unit}.timer", input=timer)
    machine.systemctl("daemon-reload")
    timers = [f"naive-{metric}.timer" for metric in INTERVALS]
    machine.systemctl("start", *timers)
    found = _over(machine, seconds)
    machine.systemctl("stop", *timers)
    return found


def _memory(machine: Machine) -> dict[str, float]:
    """Peak of each job, run by hand as the user that it has."""
    jobs: dict[str, tuple[str, ...]] = {metric: ("collect.py", metric) for metric in INTERVALS}
    jobs.update({"upload": ("upload.py",), "maintain": ("maintain.py",)})
    found = {}
    for name, (door, *arguments) in jobs.items():
        job = ("/usr/bin/python3", "-I", "-S", f"{JOBS}/{door}", *arguments)
        as_owner = ("setpriv", "--reuid=metrics", "--regid=metrics", "--clear-groups")
        said = machine.run(*as_owner, "/usr/bin/python3", "-I", "-S", "-c", PEAK, *job)
        found[name] = int(said.stdout) / 1024
    return found
