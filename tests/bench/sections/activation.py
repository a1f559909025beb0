"""A start of the collector's unit over a start of a bare one, and how exposed each is."""

from __future__ import annotations

from tests.machine.machine import Machine, booted

from ..activation import PASS, QUIET_BARE, Trial, cpu_of_starts, exposure, replaced, service, without
from ..figures import Figure
from ..options import Options

COLLECTOR = "belabox-metrics@.service"
SYNC = "belabox-metrics-sync.service"
OTHERS = (
    "belabox-metrics-upload.service",
    "belabox-metrics-health.service",
    "belabox-metrics-maintain.service",
    "belabox-metrics-failed@.service",
)
NAIVE = "/usr/bin/python3 -I /src/tests/bench/naive.py /var/lib/belabox-metrics/naive.db /src/configs/config.yaml"
# Everything that systemd-analyze security asks for.
NAIVE_UNIT = """
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
User=metrics
Group=metrics
StateDirectory=belabox-metrics
CapabilityBoundingSet=
IPAddressDeny=any
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateNetwork=yes
PrivateTmp=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077
ExecStart=
"""


def measure(options: Options) -> list[Figure]:
    with booted("bench-activation") as machine:
        machine.run("/src/install.sh", timeout=300)
        machine.systemctl("stop", "belabox-metrics.target", "victoria-metrics.service", "uplink.service")
        return _figures(machine, options)


def _figures(machine: Machine, options: Options) -> list[Figure]:
    whole = service(COLLECTOR)
    command = next(line.partition("=")[2] for line in whole.splitlines() if line.startswith("ExecStart="))
    as_metrics = QUIET_BARE + "User=metrics\nGroup=metrics\n"
    trials = [
        Trial("bare", QUIET_BARE),
        Trial("collection", whole),
        Trial("sandbox", replaced(whole, PASS)),
        Trial("unconfined", replaced(as_metrics, command)),
        Trial("sync", service(SYNC), 400),
        Trial("naive", replaced(NAIVE_UNIT, NAIVE), 400),
        Trial("naivesandbox", replaced(without(NAIVE_UNIT, "StateDirectory"), PASS), 200),
    ]
    cost = cpu_of_starts(machine, trials, options.turns(10), 25)
    floor = cost["bare"]
    figures = [Figure("activation", "bare unit, interpreter that does nothing", floor.median, "ms", str(floor))]
    for name, title, reach in (
        ("collection", "sandboxed collection ÷ bare", 2.5),
        ("sandbox", "its sandbox around nothing ÷ bare", None),
        ("unconfined", "the collection without sandbox ÷ bare", None),
        ("sync", "having the log written ÷ bare", None),
        ("naive", "naive form, all of the sandbox ÷ bare", None),
        ("naivesandbox", "all of the sandbox around nothing ÷ bare", None),
    ):
        figures.append(Figure("activation", title, cost[name].over(floor), "x", f"{cost[name]} ms", reach))
    figures.append(Figure("activation", "exposure of a collection", exposure(machine, whole), "", "of 10", 2.0))
    for unit in OTHERS:
        figures.append(Figure("activation", f"exposure of {unit}", exposure(machine, service(unit)), "", "of 10", 1.2))
    figures.append(
        Figure("activation", "exposure of the naive unit", exposure(machine, replaced(NAIVE_UNIT, NAIVE)), "")
    )
    return figures
