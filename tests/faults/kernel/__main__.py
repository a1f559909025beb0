"""A kernel of its own: clocks that are set, limits in force, device-mapper's errors, a quota, a journald that hangs."""

import os
import sys

from ..outcome import tell
from .guest import missing
from .trials import trials

if os.geteuid() != 0 or missing():
    sys.exit(f"kernel: needs root, and {', '.join(missing()) or 'nothing else'}; tests/run installs it")
sys.exit(tell("kernel", trials("--long" in sys.argv), "--long" in sys.argv))
