"""Disks that refuse: an error at each system call that writes or reads, full, read-only, no inode, a quota."""

import sys

from ..outcome import tell
from .trials import trials

sys.exit(tell("disk", trials("--long" in sys.argv), "--long" in sys.argv))
