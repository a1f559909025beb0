#!/usr/bin/python3 -IS
"""Bring over what can be read of a damaged database, then leave."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.recover import main

run(main)
