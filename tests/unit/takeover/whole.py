"""The whole way, as a process of its own, for tests that kill it: whole.py DATABASE."""

import sys

sys.path.insert(0, __file__.rpartition("/tests/")[0] + "/lib")

from belabox_metrics.door import run
from belabox_metrics.takeover import main

run(lambda arguments: main(["--database", arguments[0]]))
