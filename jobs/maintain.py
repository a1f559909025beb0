#!/usr/bin/python3 -IS
"""Move the write-ahead log into the database."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.maintain import main

run(main)
