"""Secrets for a command that root starts by hand and that then goes on as the user of the jobs.

What systemd does for a unit: read while root, use as nobody. The copies are files in memory that end with the process,
so nothing is left behind, and no directory has to be made.
"""

from __future__ import annotations

import os

from . import credentials


def hand_over(files: dict[str, str]) -> None:
    """Read the files of `credentials.sources()` for later. Does nothing where systemd did it, or for who is not root; a
    file that can't be read is left to be told of by who needs it."""
    if os.geteuid() != 0 or "CREDENTIALS_DIRECTORY" in os.environ or not hasattr(os, "memfd_create"):
        return
    for name, path in files.items():
        try:
            with open(path, "rb") as file:
                content = file.read(credentials.FILE_LIMIT + 1)
        except OSError:
            continue
        copy = os.memfd_create(name)  # closed in programs that this one starts
        os.write(copy, content)
        credentials.handed[name] = f"/proc/self/fd/{copy}"
