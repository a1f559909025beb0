#!/usr/bin/python3 -IS
"""Record that a unit failed: failed.py UNIT."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.failed import main

run(main)
