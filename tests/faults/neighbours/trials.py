"""What others do to a box that runs: in a container with a real systemd, the installed units, the shipped schedule."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.machine.machine import DATABASE, Machine

from ..outcome import Row

TREE = "/usr/lib/belabox-metrics/lib"
CONFIG = "/etc/belabox-metrics/config.yaml"
FOLDER = "/var/lib/belabox-metrics"
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
STAMPS = (
    "SELECT boottime_ms FROM runs JOIN jobs ON jobs.id = runs.job"
    f" WHERE metric = '{METRIC}' AND runs.boottime_ms > {{after}} ORDER BY runs.id"
)
EVERY_MS = 1000
# A start may be late by as much as the machine is busy; none is left out if no gap is that of two.
LEFT_OUT_MS = 2 * EVERY_MS + EVERY_MS // 2
TIMES = 10
PATIENCE_S = 60


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
    journald = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service"
    yield _without(machine, "no journald at all", f"systemctl stop {journald}", f"systemctl start {journald}")
    yield _port_taken(machine)
    yield _late(machine)
    yield _by_hand(machine)


def _more(machine: Machine, runs: int) -> float:
    """Wait for so many more good runs; how long that took."""
    before, began = _count(machine), time.monotonic()
    machine.wait_until(lambda: _count(machine) >= before + runs, PATIENCE_S, f"{runs} more runs of {METRIC}")
    return time.monotonic() - began


def _count(machine: Machine) -> int:
    return int(machine.sql(COUNT)[0]["n"])


def _failed(machine: Machine) -> list[str]:
    found = machine.systemctl("list-units", "--failed", "--no-legend", "--plain", "belabox-metrics*").splitlines()
    return [f"failed: {line}" for line in found]


def _shaken(machine: Machine, said: str, command: tuple[str, ...], times: int) -> Row:
    """Something that jobs should not notice: no run is left out, none fails."""
    begin_ms = int(float(machine.run("cat", "/proc/uptime").stdout.split()[0]) * 1000)
    longest = 0.0
    for _ in range(times):
        machine.run(*command)
        longest = max(longest, _more(machine, 3))
    stamps = [int(row["boottime_ms"]) for row in machine.sql(STAMPS.format(after=begin_ms))]
    gaps = [later - earlier for earlier, later in zip(stamps, stamps[1:])]
    lost = sum(gap > LEFT_OUT_MS for gap in gaps)
    note = f"due every second, {max(gaps)} ms between two at most"
    return Row(said, times, lost, 0, None, note, _failed(machine))


def _without(machine: Machine, said: str, take: str, give: str) -> Row:
    """As long as nobody writes down what jobs tell, they store what they have read."""
    machine.run("sh", "-c", take)
    try:
        _more(machine, 3)
    finally:
        machine.run("sh", "-c", give)
    began = time.monotonic()
    _more(machine, 1)
    # What reads the journal has failed meanwhile, and says so until it is due again.
    machine.wait_until(lambda: not _failed(machine), PATIENCE_S, "units that failed are well")
    return Row(said, 1, 0, 0, time.monotonic() - began, "runs are stored, records are not", [])


def _port_taken(machine: Machine) -> Row:
    """As by node_exporter: only what answers on it is without."""
    machine.systemctl("stop", "belabox-metrics-health.socket", "belabox-metrics-health.service")
    machine.run("systemd-run", "--quiet", "--unit=other", "python3", "-m", "http.server", "--bind", "127.0.0.1", "9100")
    machine.wait_until(lambda: machine.run("curl", "-s", "127.0.0.1:9100", check=False).returncode == 0, PATIENCE_S)
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
    """The jobs' directory is not there, then it is: as when the disk of /var comes minutes after boot."""
    before = _count(machine)
    # Named, as who stops the target alone does not wait for the responder, whose last command needs the directory.
    stop = ("stop", "belabox-metrics.target", "belabox-metrics-health.service")
    machine.systemctl(*stop)
    machine.run("mv", "/var/lib/belabox-metrics", "/var/lib/elsewhere")
    machine.systemctl("start", "belabox-metrics.target")
    machine.wait_until(lambda: machine.run("test", "-s", DATABASE, check=False).returncode == 0, PATIENCE_S)
    machine.systemctl(*stop)
    # What is mounted now hides what was begun beneath.
    machine.run("mv", "/var/lib/belabox-metrics", "/var/lib/beneath")
    machine.run("mv", "/var/lib/elsewhere", "/var/lib/belabox-metrics")
    machine.systemctl("start", "belabox-metrics.target")
    took = _more(machine, 2)
    lost = max(0, before - _count(machine))
    wrong = _failed(machine)
    machine.run("rm", "-r", "/var/lib/beneath")
    return Row("/var comes after the jobs", 1, lost, 0, took, "runs of before lie beneath it, and stay there", wrong)


def _by_hand(machine: Machine) -> Row:
    """Root starts the jobs themselves, in an empty directory even: the files are those of the jobs."""
    machine.systemctl("stop", "belabox-metrics.target")
    machine.run("sh", "-c", f"rm -f {FOLDER}/*")
    for words in (f"collect.py {METRIC}", "maintain.py", "upload.py", "clock.py", "recover.py"):
        machine.run("sh", "-c", f"python3 -I -S /usr/lib/belabox-metrics/jobs/{words}")
    foreign = machine.run("find", FOLDER, "!", "-user", "metrics", "-o", "!", "-group", "metrics").stdout.split()
    wrong = [f"{path} is not the jobs' own" for path in foreign]
    for unit in (UNIT, "belabox-metrics-maintain.service", "belabox-metrics-upload.service"):
        if machine.run("systemctl", "start", unit, check=False).returncode:
            wrong.append(f"{unit} fails afterwards")
    machine.systemctl("start", "belabox-metrics.target")
    return Row("jobs started by root by hand, first of all", 5, 0, 0, _more(machine, 1), "", wrong + _failed(machine))
