#!/usr/bin/python3 -IS
"""Collect one metric once: collect.py METRIC [--dry-run] [--root DIR]."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.collect import main
from belabox_metrics.door import run

run(main)
