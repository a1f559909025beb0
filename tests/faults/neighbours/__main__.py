"""Others on one machine: Python upgraded, systemd and journald anew, /var mounted late, root by hand, a port taken."""

import shutil
import sys

from tests.machine.machine import booted

from ..outcome import tell
from .trials import trials

if shutil.which("systemd-nspawn") is None:
    sys.exit("neighbours: needs root and systemd-nspawn")
with booted("faults-neighbours") as machine:
    machine.run("/src/install.sh", timeout=300)
    sys.exit(tell("neighbours", trials(machine, "--long" in sys.argv), "--long" in sys.argv))
