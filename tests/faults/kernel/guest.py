"""A box with a kernel of its own, and what a trial may do to it: set its clock, limit it, break its disk.

The machine is that of the power cuts. Where it is User Mode Linux a job costs ten times the processor time that it
costs a box, most of it to start; so what is collected is little, and the slice has no share that it must keep to, but
in the trial that is about the share.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..scratch import scratch
from ..vm.disk import Disk
from ..vm.machine import Machine, Power, built, engine
from ..vm.network import Network
from ..vm.server import URL, Server

INSTALL = Path(__file__).parents[1] / "vm/install"
FOLDER = "/var/lib/belabox-metrics"
DATABASE = f"{FOLDER}/metrics.db"
CONFIG = "/etc/belabox-metrics/config.yaml"
# Inside: the modules of User Mode Linux, which are this host's. Debian's own kernel has its own with it.
MODULES = "/run/modules"
NEEDED = ("mmdebstrap", "systemd-nspawn", "victoria-metrics")
PATIENCE_S = 90.0
# Metrics that say something on any machine, by how often each is due: as often as the shipped ones, and one that does
# not divide a minute, which has another kind of timer.
SCHEDULE = {"memory.usage": 5, "cpu.usage": 10, "network.traffic": 14, "system.load": 30}
# Of the shipped schedule, what is due at least twice a minute and has something to say everywhere.
SHIPPED = {"stream.events": 5, "cpu.usage": 10, "network.traffic": 10, "stream.session": 10, "memory.usage": 30}
# As the jobs: a -shm that root had made would shut them out.
_AS_JOBS = ("setpriv", "--reuid=metrics", "--regid=metrics", "--clear-groups", "/usr/bin/python3", "-I", "-c")
_QUERY = """
import json, sqlite3, sys
connection = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True, timeout=20)
print(json.dumps(connection.execute(sys.argv[2]).fetchall()))
"""

_HEALTH = """
import urllib.error, urllib.request
try:
    answer = urllib.request.urlopen("http://127.0.0.1:9100/health")
except urllib.error.HTTPError as refused:
    answer = refused
print(answer.read().decode())
"""
_UPTIME = "import time; print(time.clock_gettime(time.CLOCK_BOOTTIME))"

T = TypeVar("T")


def missing() -> list[str]:
    """What this host lacks, in words."""
    found = [name for name in NEEDED if shutil.which(name) is None]
    try:
        engine()
    except RuntimeError as error:
        found.append(str(error))
    return found


@contextmanager
def switched_on(schedule: dict[str, int] | None = None) -> Iterator[Guest]:
    """Installed and booted, for as long as the block lasts. Without a `schedule` (metric: seconds) it is the shipped
    one."""
    with scratch() as folder:
        place = Path(folder)
        disk = place / "disk.raw"
        image = built()
        subprocess.run(["cp", "--sparse=always", image / "disk.raw", disk], check=True)
        with _mounted(disk) as root:
            _prepare(root, schedule)
        with (place / "installed").open("wb") as said:
            subprocess.run([INSTALL, disk, URL], check=True, stderr=said)
        network = Network()
        server = Server(place / "server", network)
        served = Disk(disk, place / "nbd")
        guest = Guest(Machine(image, served, place / "nbd", place, network), server, schedule or SHIPPED)
        try:
            guest.power_on()
            yield guest
        finally:
            guest.cut()
            served.close()
            server.close()
            network.close()


@contextmanager
def _mounted(disk: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-o", "loop", disk, folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def _prepare(root: Path, schedule: dict[str, int] | None) -> None:
    """Before it is installed: what is found is kept."""
    share = root / "etc/systemd/system/belabox-metrics.slice.d/lab.conf"
    share.parent.mkdir(parents=True)
    share.write_text("[Slice]\nCPUQuota=\n")
    if schedule is None:
        return
    shipped = (Path(__file__).parents[3] / "configs/config.yaml").read_text(encoding="utf-8")
    head, _, _ = shipped.partition("\nmetrics:\n")
    entries = [f"  - name: {name}\n    interval: {every}s\n    enabled: true\n" for name, every in schedule.items()]
    config = root / CONFIG[1:]
    config.parent.mkdir(parents=True)
    config.write_text(f"{head}\nmetrics:\n" + "".join(entries), encoding="utf-8")


class Guest:
    """`power` while it is on; `server`, where it sends to, which has this host's clock; `schedule`: what is due how
    often, seconds."""

    def __init__(self, machine: Machine, server: Server, schedule: dict[str, int]) -> None:
        self._machine = machine
        self.server = server
        self.schedule = schedule
        self.power: Power | None = None

    def power_on(self) -> None:
        self.power = self._machine.power_on()
        self.run("sh", "-c", f"mkdir -p {MODULES}; mount -t hostfs -o /usr/lib/uml/modules hostfs {MODULES} || true")

    def cut(self) -> None:
        if self.power is not None:
            self.power.cut()
            self.power = None

    def off(self) -> None:
        assert self.power
        self.power.off()
        self.power = None

    def run(self, *argv: str, check: bool = True, timeout: float = 120) -> str:
        """As Power.run."""
        assert self.power
        return self.power.run(*argv, check=check, timeout=timeout)

    def sh(self, script: str, *, check: bool = True, timeout: float = 120) -> str:
        return self.run("sh", "-c", script, check=check, timeout=timeout).strip()

    def write(self, path: str, text: str) -> None:
        self.sh(f"mkdir -p $(dirname {path}) && cat >{path} <<'END'\n{text}\nEND")

    def uptime(self) -> float:
        """Seconds since boot, as the jobs count them."""
        return float(self.run("/usr/bin/python3", "-I", "-c", _UPTIME))

    def load(self, *modules: str) -> None:
        """Modules of the kernel, in the order in which they need each other."""
        for name in modules:
            loaded = f"grep -q '^{name.replace('-', '_')} ' /proc/modules"
            self.sh(f"{loaded} || modprobe {name} 2>/dev/null || insmod $(find {MODULES} -name {name}.ko)")

    def sql(self, query: str) -> list[list[Any]]:
        rows: list[list[Any]] = json.loads(self.run(*_AS_JOBS, _QUERY, DATABASE, query))
        return rows

    def records(self, **fields: str) -> list[dict[str, Any]]:
        """Of the journal, the jobs' own, so far."""
        assert self.power
        return [one for one in self.power.records if all(one.get(name) == value for name, value in fields.items())]

    def health(self) -> dict[str, Any]:
        """What /health says."""
        report: dict[str, Any] = json.loads(self.run("/usr/bin/python3", "-I", "-c", _HEALTH))
        return report

    def stop_timers(self) -> None:
        """Nothing is due any more, and what was is done."""
        self.sh("systemctl stop 'belabox-metrics*.timer'")
        idle = "systemctl list-units --state=activating --no-legend 'belabox-metrics*.service' | wc -l"
        self.until(lambda: self.sh(idle) == "0", "no job is at work")

    def start_timers(self) -> None:
        self.sh("systemctl start belabox-metrics.target")

    def wait_for_runs(self, more: int) -> None:
        """Of the metric that is due most often."""
        metric = min(self.schedule, key=lambda name: self.schedule[name])
        query = f"SELECT count(*) FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = '{metric}' AND outcome < 2"
        before = self.sql(query)[0][0]
        self.until(lambda: self.sql(query)[0][0] >= before + more, f"{more} runs of {metric}")

    def told(self, text: str, since: float) -> list[str]:
        """What the jobs said of that, from then on, seconds since boot."""
        return [
            str(record["MESSAGE"])
            for record in self.records()
            if text in str(record["MESSAGE"]) and int(record["__MONOTONIC_TIMESTAMP"]) / 1e6 >= since
        ]

    def until(self, condition: Callable[[], T], what: str, timeout: float = PATIENCE_S) -> T:
        """What the condition returns, once that is true."""
        deadline = time.monotonic() + timeout
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout:g} s: {what}")
            time.sleep(0.3)
        return answer
