"""The programs of a person's own metrics: are they there, and is it safe to run them?"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ..errors import ConfigProblem
from ..own.collector import DIRECTORY

if TYPE_CHECKING:
    from ..config.configuration import Configuration

# To others than the owner: may write; and what it takes to run a script, which is read by its interpreter.
_WRITE = stat.S_IWGRP | stat.S_IWOTH
_RUN = stat.S_IROTH | stat.S_IXOTH


def check(configuration: Configuration, root: str = "") -> None:
    """Raises ConfigProblem, with a line for each program that a scheduled metric names and that can't or must not be
    run. Who may not look into the directory can't tell, and is told nothing."""
    found = []
    for metric in configuration.metrics:
        name = metric.settings.get("exec")
        if metric.scheduled and metric.is_own and isinstance(name, str):
            path = f"{root}{DIRECTORY}/{name}"
            what, hint = _fault(os.path.dirname(path), path)
            if what:
                found.append(ConfigProblem(what, where=f"metrics[{metric.name}].exec: {path}", hint=hint))
    if len(found) == 1:
        raise found[0]
    if found:
        raise ConfigProblem("\n".join([str(problem) for problem in found]))


def _fault(directory: str, path: str) -> tuple[str, str]:
    """What is wrong, and what to do."""
    try:
        about = os.lstat(path)
    except PermissionError:
        return "", ""
    except OSError as fault:
        missing = isinstance(fault, (FileNotFoundError, NotADirectoryError))
        return ("does not exist", "put it there, or take the entry out") if missing else (str(fault.strerror), "")
    if not stat.S_ISREG(about.st_mode):
        return "is not a file", "a link may lead to what somebody else can change: put the program itself there"
    for place, its in ((path, about), (directory, os.stat(directory))):
        which = "" if place == path else "is in a directory that "
        if its.st_uid not in (0, os.geteuid()):
            return f"{which}belongs to somebody else", f"chown root {place}"
        if its.st_mode & _WRITE:
            return f"{which}can be written by others than its owner", f"chmod go-w {place}"
    if about.st_mode & _RUN != _RUN:
        return "can't be run by the user metrics", f"chmod 755 {path}"
    return "", ""
