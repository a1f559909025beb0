"""What each line of a collector's sandbox costs: alone on top of a bare unit, and saved when left out of the whole."""

from __future__ import annotations

import re

from ..machine.machine import booted
from .activation import PASS, QUIET_BARE, Trial, cpu_of_starts, exposure, replaced, service
from .figures import short

UNIT = "belabox-metrics@.service"
# Candidates that the unit does not have, or once had.
MORE = (
    "PrivateTmp=yes",
    "PrivateNetwork=yes",
    "PrivateUsers=yes",
    "PrivateMounts=yes",
    "PrivateIPC=yes",
    "PrivateDevices=yes",
    "DevicePolicy=closed",
    "IPAddressDeny=any",
    "MemoryMax=64M",
    "ProcSubset=pid",
    "ProtectProc=invisible",
    "ProtectControlGroups=yes",
    "ProtectHome=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectClock=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "NotifyAccess=none",
    "TemporaryFileSystem=/home /root",
    "InaccessiblePaths=/home /root /run/user",
)
NOT_SANDBOX = ("ExecStart", "Type", "SuccessExitStatus", "TimeoutStartSec", "LogLevelMax")


def directives(text: str) -> dict[str, str]:
    """Key to its line or lines, of [Service]."""
    found: dict[str, str] = {}
    for line in text.partition("[Service]")[2].splitlines():
        key, equals, _ = line.partition("=")
        if equals and key not in NOT_SANDBOX:
            found[key] = found.get(key, "") + line + "\n"
    return found


def trials(text: str) -> dict[str, tuple[str, str]]:
    """Key to (bare with it, whole with it left out or, where it isn't in it, added)."""
    own = directives(text)
    found = {
        key: (QUIET_BARE + lines, text.replace(lines, "") if lines in text else _less(text, key))
        for key, lines in own.items()
    }
    for line in MORE:
        key = line.partition("=")[0]
        if key not in own:
            found["+" + key] = (QUIET_BARE + line + "\n", text + line + "\n")
    return found


def _less(text: str, key: str) -> str:
    return re.sub(rf"(?m)^{key}=.*\n", "", text)


def measure(turns: int, starts: int) -> str:
    """A table in Markdown."""
    text = replaced(service(UNIT), PASS)
    lines = ["| directive | alone, ms | in the whole, ms | exposure without it |", "| --- | --- | --- | --- |"]
    with booted("bench-sandbox") as machine:
        machine.run("/src/install.sh", timeout=300)
        machine.systemctl("stop", "belabox-metrics.target", "victoria-metrics.service", "uplink.service")
        each = trials(text)
        everything = [Trial("bare", QUIET_BARE), Trial("whole", text)]
        names = {key: re.sub(r"\W", "", key).lower() for key in each}
        for key, (alone, other) in each.items():
            more = "m" if key.startswith("+") else ""
            everything += [Trial(f"a{more}-{names[key]}", alone), Trial(f"w{more}-{names[key]}", other)]
        cost = cpu_of_starts(machine, everything, turns, starts)
        bare, whole = cost["bare"], cost["whole"]
        lines.append(f"| (bare) | {bare} | | {exposure(machine, QUIET_BARE)} |")
        lines.append(f"| (the whole) | | {whole} | {exposure(machine, text)} |")
        for key, (_, other) in each.items():
            more = "m" if key.startswith("+") else ""
            alone_ms = cost[f"a{more}-{names[key]}"].median - bare.median
            in_whole = (cost[f"w{more}-{names[key]}"].median - whole.median) * (1 if more else -1)
            ms = f"{short(round(alone_ms, 2))} | {short(round(in_whole, 2))}"
            lines.append(f"| {key} | {ms} | {exposure(machine, other)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure(turns=4, starts=20))
