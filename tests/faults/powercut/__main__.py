"""A machine that loses its power, with the cache of its disk: --long, an hour for a hundred cuts.

tests/faults/run powercut [--long] [--cuts 100] [--minutes 90] [--machines 2] [--up S] [--mount OPTIONS] [--seed N]

Without --long: the log of the database torn at any place, no machine. With it machines too, each of which wants most of
a processor now and then: more of them than processors are in each other's way. The exit code is 0 when nothing was lost
but the last stretch before each cut, and the rest is whole, here and there; all of it goes to docs/reliability as JSON.
"""

import argparse
import sys
import time

from ..outcome import tell
from .plan import plans
from .trials import check, name_of, trials

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--long", action="store_true")
parser.add_argument("--cuts", type=int, default=100)
parser.add_argument("--minutes", type=float, default=90.0, help="no further cut after so many")
parser.add_argument("--machines", type=int, default=2, choices=range(1, 9), metavar="N")
parser.add_argument("--up", type=float, default=0.0, help="seconds that one which collects is left in peace at most")
parser.add_argument("--mount", default="", help="of its ext4, as commit=600,data=writeback")
parser.add_argument("--seed", type=int, default=int(time.time()))
options = parser.parse_args()
machines = []
if options.long:
    check()
    machines = plans(options.cuts, options.machines, options.minutes, options.seed, options.up, options.mount)
sys.exit(tell(name_of(machines), trials(options.seed, machines), options.long))
