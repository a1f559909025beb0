"""Clocks that jump, crawl, or were never set: no sample misplaced, nothing deleted by mistake, all of it sent once."""

import sys

from ..outcome import tell
from .trials import trials

sys.exit(tell("clock", trials("--long" in sys.argv), "--long" in sys.argv))
