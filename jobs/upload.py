#!/usr/bin/python3 -IS
"""Send what is pending, then leave."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")

from belabox_metrics.door import run
from belabox_metrics.upload.uploader import main

run(main)
