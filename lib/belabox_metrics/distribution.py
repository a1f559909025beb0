"""The distribution's own Python packages (python3-systemd, python3-yaml), for an interpreter started with -S.

-S saves a third of the interpreter's start; its price is that nobody has put this directory on the path.
"""

from __future__ import annotations

import sys

PACKAGES = "/usr/lib/python3/dist-packages"


def make_importable() -> None:
    """Let later imports find the distribution's packages, after everything else."""
    if PACKAGES not in sys.path:
        sys.path.append(PACKAGES)
