"""Jobs killed, ended, stopped and gone on with, out of memory: at each system call that writes, and at any time."""

import sys

from ..outcome import tell
from .trials import trials

sys.exit(tell("kill", trials("--long" in sys.argv), "--long" in sys.argv))
