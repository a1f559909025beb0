"""Lines of the kernel for a machine's journal: a container has no kernel of its own that could be made to say them."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from ..machine import Machine

REMOTE = "/lib/systemd/systemd-journal-remote"
# sd-journal takes files of these names alone for the system's.
NAME = "system@{number:04}.journal"


class KernelLog:
    """Each call of `say` is one more file in the machine's journal. What is said between two of journald's entries must
    be some tenths of a second from both: of several files a reader may have passed the place already."""

    def __init__(self, machine: Machine) -> None:
        root = Path(f"/proc/{machine.pid}/root")
        self._machine_id = (root / "etc/machine-id").read_text().strip()
        self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
        places = [root / place / self._machine_id for place in ("var/log/journal", "run/log/journal")]
        self._folder = next(place for place in places if place.is_dir())
        self._number = 0

    def say(self, *lines: str) -> float:
        """When they are said: now, Unix time in seconds."""
        at = time.time()
        monotonic = time.monotonic()
        entries = [
            {
                "__REALTIME_TIMESTAMP": str(int(at * 1e6) + offset),
                "__MONOTONIC_TIMESTAMP": str(int(monotonic * 1e6) + offset),
                "_BOOT_ID": self._boot_id,
                "_MACHINE_ID": self._machine_id,
                "_TRANSPORT": "kernel",
                "SYSLOG_IDENTIFIER": "kernel",
                "MESSAGE": line,
            }
            for offset, line in enumerate(lines)
        ]
        text = "".join("".join(f"{key}={value}\n" for key, value in entry.items()) + "\n" for entry in entries)
        path = self._folder / NAME.format(number=self._number)
        self._number += 1
        # Under a name that no reader takes, until it is whole and may be read.
        making = path.with_name(f"remote-{path.name}")
        subprocess.run([REMOTE, "-o", str(making), "-"], input=text.encode(), capture_output=True, check=True)
        owner = self._folder.stat()
        os.chown(making, owner.st_uid, owner.st_gid)
        making.chmod(0o640)
        making.rename(path)
        return at
