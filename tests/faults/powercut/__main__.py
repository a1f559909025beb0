"""A machine that loses its power, with the cache of its disk: --long, an hour for a hundred cuts.

tests/faults/run powercut [--long] [--cuts 100] [--minutes 90] [--machines 2] [--up S] [--seed N]

Without --long: the log of the database torn at any place, no machine. With it machines too, each of which wants most of
a processor now and then: more of them than processors are in each other's way. The exit code is 0 when nothing was lost
but the last stretch before each cut, and the rest is whole, here and there; all of it goes to docs/reliability as JSON.
"""

import argparse
import sys
import time

from ..outcome import tell
from .trials import trials, wanted

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--long", action="store_true")
parser.add_argument("--cuts", type=int, default=100)
parser.add_argument("--minutes", type=float, default=90.0, help="no further cut after so many")
parser.add_argument("--machines", type=int, default=2)
parser.add_argument("--up", type=float, default=0.0, help="seconds that one which collects is left in peace at most")
parser.add_argument("--seed", type=int, default=int(time.time()))
options = parser.parse_args()
rows = trials(options.long, options.cuts, options.minutes, options.machines, options.seed, options.up)
sys.exit(tell(f"powercut-{wanted()}" if options.long else "powercut", rows, options.long))
