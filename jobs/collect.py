#!/usr/bin/python3 -IS
"""Collect one metric once: collect.py METRIC [--dry-run] [--root DIR]."""

import sys

# Absolute since Python 3.9; os.path would cost more than the rest of this file.
sys.path.insert(0, __file__.rpartition("/jobs/")[0] + "/lib")

from belabox_metrics.collect import main
from belabox_metrics.door import run

run(main)
