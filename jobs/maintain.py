#!/usr/bin/python3 -IS
"""Keep the database small, fast and whole."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.maintain.runner import main

run(main)
