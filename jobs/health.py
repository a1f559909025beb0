#!/usr/bin/python3 -IS
"""Answer how the box is, on the socket that systemd passes."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.health.responder import main

run(main)
