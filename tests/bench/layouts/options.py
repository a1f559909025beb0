"""What the command line chooses."""

from __future__ import annotations

import argparse


class Options(argparse.Namespace):
    sections: list[str]
    hours: float
    grow: int
    pace: str
    minutes: float
    folder: str
