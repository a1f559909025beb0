"""What others do to a box that runs: in a container with a real systemd, the installed units, the shipped schedule."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from tests.machine.machine import PATIENCE_S, Machine
from tests.pressure import Pressure

from belabox_metrics import journal

from ..outcome import Row, left_out
from . import due
from .python import upgrades

TREE, JOBS = "/usr/lib/belabox-metrics/lib", "/usr/lib/belabox-metrics/jobs"
CONFIG = "/etc/belabox-metrics/config.yaml"
FOLDER, ELSEWHERE = "/var/lib/belabox-metrics", "/var/lib/elsewhere"
# A megabyte each, and none of it left: a container's /run may be a fifth of all memory.
FILL = """
mount -t tmpfs -o size=1m tmpfs /var/log/journal
mount -o remount,size=1m /run
systemctl restart systemd-journald
for place in /run /var/log/journal; do dd if=/dev/zero of=$place/others bs=4k status=none; done
test -s /run/others && test -s /var/log/journal/others
"""
EMPTY = """
rm /run/others
mount -o remount,size=20% /run
umount --lazy /var/log/journal
systemctl restart systemd-journald
"""
# One that is due each second, so that what is missed shows.
METRIC = "memory.usage"
UNIT = f"belabox-metrics@{METRIC}.service"
COUNT = f"SELECT count(*) AS n FROM runs JOIN jobs ON jobs.id = runs.job WHERE metric = '{METRIC}' AND outcome = 0"
STARTS = (
    "SELECT runs.id - lead_ms AS at FROM runs JOIN jobs ON jobs.id = runs.job"
    f" WHERE metric = '{METRIC}' AND outcome = 0 AND runs.id - lead_ms >= {{since}} ORDER BY runs.id"
)
EVERY_MS = 1000
# Of the runs that are due, what a machine may leave out that has others to serve.
BUSY = 1 / 3
TIMES, UPGRADES = 10, 3
COMMAND_S = 180
BY_HAND = (f"collect.py {METRIC}", "maintain.py", "upload.py", "clock.py", "recover.py")


def trials(machine: Machine, long: bool) -> Iterator[Row]:
    machine.run("sed", "-i", f"/name: {METRIC}/,/interval:/s/interval: .*/interval: 1s/", CONFIG)
    machine.run("belabox-metrics", "apply")
    _more(machine, 2)
    times = TIMES if long else 1
    yield _shaken(machine, "systemctl daemon-reexec", ("systemctl", "daemon-reexec"), times)
    yield _shaken(machine, "journald restarted", ("systemctl", "restart", "systemd-journald"), times)
    yield _shaken(
        machine, "byte code older than its source", ("sh", "-c", f"find {TREE} -name '*.py' | xargs touch"), times
    )
    spoil = f"find {TREE} -name '*.pyc' | while read f; do printf XXXX | dd of=$f conv=notrunc status=none; done"
    yield _shaken(machine, "byte code of another Python", ("sh", "-c", spoil), times)
    yield _without(machine, "journal full, and no room in /run", FILL, EMPTY)
    # Of the short form that would be a third.
    if long:
        yield _upgraded(machine, UPGRADES)
    journald = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service"
    yield _without(machine, "no journald at all", f"systemctl stop {journald}", f"systemctl start {journald}")
    yield _port_taken(machine)
    yield _late(machine)
    yield _beside(machine)
    yield _by_hand(machine)


def _more(machine: Machine, runs: int) -> float:
    """Wait for so many more good runs; how long that took."""
    before, began = _count(machine), time.monotonic()
    machine.wait_until(lambda: _count(machine) >= before + runs, f"{runs} more runs of {METRIC}")
    return time.monotonic() - began


def _count(machine: Machine) -> int:
    return int(machine.sql(COUNT)[0]["n"])


def _failed(machine: Machine) -> list[str]:
    found = machine.systemctl("list-units", "--failed", "--no-legend", "--plain", "belabox-metrics*").splitlines()
    return [f"failed: {line}" for line in found]


class Watch:
    """What becomes of runs from now on."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pressure = Pressure(machine.pid)
        self._begin_ms = time.time_ns() // 1_000_000
        timer = machine.run("cat", f"/etc/systemd/system/belabox-metrics@{METRIC}.timer").stdout
        seconds = re.search(r"^OnCalendar=\*:\*:([0-9.]+)/1 UTC$", timer, re.MULTILINE)
        if seconds is None:
            raise RuntimeError(f"is it due each second? {timer}")
        self._phase_ms = round(float(seconds[1]) * 1000)

    def row(
        self, said: str, times: int, took_s: float, recovered_s: float | None = None, wrong: Sequence[str] = ()
    ) -> Row:
        """None that was told of is lost, none fails. How many are left out is a figure. Wrong is more than one for each
        of the `took_s` that the neighbour worked, and a third, as others have the machine too; or for as long as its
        programs were seen to wait for the host."""
        # First, as each of these is to be found in what comes then.
        told = self._told()
        starts = [
            int(row["at"]) for row in self._machine.sql(STARTS.format(since=self._begin_ms - int(PATIENCE_S * 1000)))
        ]
        since = [start for start in starts if start >= self._begin_ms]
        number, missing = due.left_out(self._begin_ms, since, self._phase_ms, EVERY_MS)
        wrong = [*wrong, *_failed(self._machine)]
        self._pressure.close()
        waited_s = self._pressure.between(self._begin_ms / 1000, time.time())
        if missing > took_s + max(number * BUSY, waited_s * 1000 / EVERY_MS):
            wrong.append(f"{missing} runs of {number} are left out")
        if not told:
            wrong.append("no run is told of")
        note = f"{number} runs due, {missing} left out; {len(told)} told of"
        return Row(said, times, due.lost(starts, told), 0, recovered_s, note, wrong)

    def _told(self) -> list[int]:
        """When the units told of a run that it is stored, Unix time in ms: root may have said so too."""
        since = f"--since=@{self._begin_ms / 1000:.3f}"
        records = self._machine.journal(since, f"MESSAGE_ID={journal.COLLECTED}", f"BELABOX_METRIC={METRIC}")
        return [int(record["_SOURCE_REALTIME_TIMESTAMP"]) // 1000 for record in records if record["_UID"] != "0"]


def _shaken(machine: Machine, said: str, command: tuple[str, ...], times: int) -> Row:
    """Something that jobs should not notice."""
    watch, took = Watch(machine), 0.0
    for _ in range(times):
        took += _timed(machine, *command)
        _more(machine, 2)
    return watch.row(said, times, took)


def _upgraded(machine: Machine, times: int) -> Row:
    """Python's own files are others while jobs run: all packages of it, one that is older and one that is newer."""
    said = "Python upgraded and downgraded by dpkg"
    with upgrades(machine) as versions:
        if not versions:
            return left_out(said, "apt has no packages of the machine's Python")
        watch, took = Watch(machine), 0.0
        for _ in range(times):
            for words in versions:
                took += _timed(machine, *words)
                _more(machine, 1)
        return watch.row(said, times * len(versions), took)


def _timed(machine: Machine, *command: str) -> float:
    began = time.monotonic()
    machine.run(*command, timeout=COMMAND_S)
    return time.monotonic() - began


def _without(machine: Machine, said: str, take: str, give: str) -> Row:
    """As long as nobody writes down what jobs tell, they store what they have read."""
    machine.run("sh", "-c", take)
    try:
        _more(machine, 2)
    finally:
        machine.run("sh", "-c", give)
    began = time.monotonic()
    _more(machine, 1)
    # What reads the journal has failed meanwhile, and says so until it is due again.
    machine.wait_until(lambda: not _failed(machine), "units that failed are well")
    return Row(said, 1, 0, 0, time.monotonic() - began, "runs are stored, records are not", [])


def _port_taken(machine: Machine) -> Row:
    """As by node_exporter: only what answers on it is without."""
    machine.systemctl("stop", "belabox-metrics-health.socket", "belabox-metrics-health.service")
    machine.run("systemd-run", "--quiet", "--unit=other", "python3", "-m", "http.server", "--bind", "127.0.0.1", "9100")
    machine.wait_until(lambda: machine.run("curl", "-s", "127.0.0.1:9100", check=False).returncode == 0)
    refused = machine.run("systemctl", "start", "belabox-metrics-health.socket", check=False).returncode != 0
    wrong = [] if refused else ["the socket was had although another listens"]
    machine.systemctl("restart", "belabox-metrics.target", check=False)
    _more(machine, 2)
    told = machine.run("belabox-metrics", "doctor", "--only", "units", check=False).stdout
    if "health.socket" not in told:
        wrong.append(f"the doctor does not tell: {told}")
    machine.systemctl("stop", "other")
    began = time.monotonic()
    machine.systemctl("reset-failed", check=False)
    machine.systemctl("start", "belabox-metrics-health.socket")
    machine.http_get("/health/live")
    return Row("port 9100 taken", 1, 0, 0, time.monotonic() - began, "all else goes on; doctor names it", wrong)


def _late(machine: Machine) -> Row:
    """What is mounted at the jobs' directory comes when they run already, as a disk of /var does minutes after boot."""
    # Named, as who stops the target alone does not wait for the responder, whose last command needs the directory.
    stop = ("stop", "belabox-metrics.target", "belabox-metrics-health.service")
    machine.systemctl(*stop)
    before = {row["at"] for row in machine.sql(STARTS.format(since=0))}
    machine.run("mv", FOLDER, ELSEWHERE)
    machine.systemctl("start", "--no-block", "belabox-metrics.target")
    machine.wait_until(lambda: _has_run(machine), f"a run of {METRIC} beneath the mount")
    # It hides what was begun beneath, and whoever is at work goes on there.
    machine.run("mount", "--bind", ELSEWHERE, FOLDER)
    watch = Watch(machine)
    took = _more(machine, 2)
    machine.http_get("/health/live")
    row = watch.row("/var mounted while the jobs run", 1, 0, took)
    kept = {row["at"] for row in machine.sql(STARTS.format(since=0))}
    machine.systemctl(*stop)
    machine.run("umount", FOLDER)
    beneath = _count(machine)
    machine.run("rm", "-r", FOLDER)
    machine.run("mv", ELSEWHERE, FOLDER)
    machine.systemctl("start", "belabox-metrics.target")
    note = f"{row.note}; {beneath} runs of before lie beneath it, and stay there"
    return row._replace(lost=row.lost + len(before - kept), note=note)


def _has_run(machine: Machine) -> bool:
    """Also while the database is being made."""
    try:
        return _count(machine) > 0
    except AssertionError:
        return False


def _beside(machine: Machine) -> Row:
    """Root starts the jobs beside those that run: the files stay theirs, and no run is lost."""
    _more(machine, 1)
    watch = Watch(machine)
    took = _by_root(machine)
    _more(machine, 1)
    said = "jobs started by root beside those that run"
    return watch.row(said, len(BY_HAND), took, wrong=_foreign(machine))


def _by_hand(machine: Machine) -> Row:
    """Root starts the jobs themselves, in an empty directory even: the files are those of the jobs."""
    machine.systemctl("stop", "belabox-metrics.target")
    machine.run("sh", "-c", f"rm -f {FOLDER}/*")
    _by_root(machine)
    wrong = _foreign(machine)
    for unit in (UNIT, "belabox-metrics-maintain.service", "belabox-metrics-upload.service"):
        if machine.run("systemctl", "start", unit, check=False).returncode:
            wrong.append(f"{unit} fails afterwards")
    machine.systemctl("start", "belabox-metrics.target")
    return Row(
        "jobs started by root by hand, first of all",
        len(BY_HAND),
        0,
        0,
        _more(machine, 1),
        "",
        wrong + _failed(machine),
    )


def _by_root(machine: Machine) -> float:
    return sum(_timed(machine, "sh", "-c", f"python3 -I -S {JOBS}/{words}") for words in BY_HAND)


def _foreign(machine: Machine) -> list[str]:
    found = machine.run("find", FOLDER, "!", "-user", "metrics", "-o", "!", "-group", "metrics").stdout.split()
    return [f"{path} is not the jobs' own" for path in found]
