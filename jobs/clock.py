#!/usr/bin/python3 -IS
"""Compare the clock with the server's, then leave."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.skew import main

run(main)
