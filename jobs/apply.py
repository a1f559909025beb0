#!/usr/bin/python3 -I
"""Bring timers and settings in line with config.yaml."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.schedule.apply import main

run(main)
