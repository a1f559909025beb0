#!/usr/bin/python3 -I
"""The command belabox-metrics."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + "/lib")

from belabox_metrics.cli import main
from belabox_metrics.door import run

run(main)
