"""What a start of a unit costs the box: CPU of the service manager and of what it starts.

In a booted lab in which nothing else goes on. The starts come from a timer, as on the box: `systemctl start`
would add the bus, and a unit that nothing refers to is read from the disk again at each start.
"""

from __future__ import annotations

import os
import re
import time
from typing import NamedTuple

from ..machine.machine import CHECKOUT, Machine
from .figures import Spread, spread

RUNTIME_UNITS = "/run/systemd/system"
TICKS = os.sysconf("SC_CLK_TCK")
PASS = "/usr/bin/python3 -I -S -c pass"
BARE = f"[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart={PASS}\n"
# What the manager has to say about a start costs the same for all; the product's units silence it, so does the floor.
QUIET_BARE = BARE + "LogLevelMax=notice\n"


class Trial(NamedTuple):
    """A service to start, by its text."""

    name: str
    text: str
    # Longer than it takes: a timer that elapses while its service runs starts nothing, and one would be missing.
    apart_ms: int = 100


def service(unit: str) -> str:
    """The text of a unit of the product, without what refers to other units or to the instance."""
    text = (CHECKOUT / "units" / unit).read_text()
    text = re.sub(r"(?m)^(#.*|OnFailure=.*|Documentation=.*|After=.*|Requires=.*)\n", "", text)
    return text.replace("%i", "memory.usage")


def without(text: str, *keys: str) -> str:
    """A unit's text without these directives."""
    return re.sub(rf"(?m)^(?:{'|'.join(keys)})=.*\n", "", text)


def replaced(text: str, command: str) -> str:
    return re.sub(r"(?m)^ExecStart=.*$", f"ExecStart={command}", text)


def install(machine: Machine, trials: list[Trial], starts: int) -> None:
    """A service and a timer that starts it so many times, for each trial."""
    for trial in trials:
        lines = "".join(f"OnActiveSec={100 + trial.apart_ms * number}ms\n" for number in range(starts))
        timer = f"[Timer]\nAccuracySec=1us\n{lines}"
        for suffix, text in ((".service", trial.text), (".timer", timer)):
            machine.run("tee", f"{RUNTIME_UNITS}/bench-{trial.name}{suffix}", input=text)
    machine.systemctl("daemon-reload")


def cpu_ms(machine: Machine) -> float:
    """CPU of process 1 and of all it ever started but the journal, by control groups: µs, where /proc/1/stat has ticks.

    What the kernel does later in threads of its own (taking a network namespace apart) is in neither."""
    groups = ("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/system.slice/systemd-journald.service/cpu.stat")
    all_of_it, journal = (int(usage) for usage in re.findall(r"usage_usec (\d+)", machine.run("cat", *groups).stdout))
    return (all_of_it - journal) / 1000


def one_turn(machine: Machine, trial: Trial, starts: int) -> float:
    """CPU ms a start."""
    before = cpu_ms(machine)
    machine.systemctl("start", f"bench-{trial.name}.timer")
    time.sleep((150 + trial.apart_ms * starts) / 1000)
    machine.wait_until(lambda: not running(machine, trial.name), f"{trial.name} does not end")
    spent = cpu_ms(machine) - before
    result = machine.systemctl("show", "-P", "Result", f"bench-{trial.name}.service")
    assert result == "success", f"{trial.name}: {result}"
    took = duration_ms(machine, trial.name)
    assert took < 0.9 * trial.apart_ms, f"{trial.name}: took {took:.0f} ms, starts are {trial.apart_ms} ms apart"
    machine.systemctl("stop", f"bench-{trial.name}.timer")
    return spent / starts


def duration_ms(machine: Machine, name: str) -> float:
    """How long the last start took, on the clock."""
    stamps = ("InactiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic")
    began, ended = (int(machine.systemctl("show", "-P", stamp, f"bench-{name}.service")) for stamp in stamps)
    return (ended - began) / 1000


def running(machine: Machine, name: str) -> bool:
    return machine.systemctl("is-active", f"bench-{name}.service", check=False) in ("active", "activating")


def cpu_of_starts(machine: Machine, trials: list[Trial], turns: int = 6, starts: int = 40) -> dict[str, Spread]:
    """CPU ms a start for each trial, taken in turns so that a change of the machine hits all alike."""
    install(machine, trials, starts)
    spent: dict[str, list[float]] = {trial.name: [] for trial in trials}
    for _ in range(turns):
        for trial in trials:
            # With the timers stopped nobody else keeps the log short, and each collection reads all of it.
            machine.systemctl("start", "belabox-metrics-maintain.service")
            spent[trial.name].append(one_turn(machine, trial, starts))
    return {name: spread(values) for name, values in spent.items()}


def exposure(machine: Machine, text: str) -> float:
    """What `systemd-analyze security` calls a service's overall exposure level, 0 to 10."""
    path = f"{RUNTIME_UNITS}/bench-exposure.service"
    machine.run("tee", path, input=text)
    said = machine.run("systemd-analyze", "security", "--no-pager", "--offline=true", path, check=False)
    found = re.search(r"exposure level .*?: ([\d.]+)", said.stdout)
    assert found, said.stdout + said.stderr
    machine.run("rm", path)
    return float(found[1])
