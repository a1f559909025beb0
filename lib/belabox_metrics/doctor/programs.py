"""What collectors need of other packages, and what people need to look."""

from __future__ import annotations

import grp
import os
import pwd

from .. import program
from ..errors import NoData
from .finding import note, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .finding import Finding

# Program: (package, metric that asks it, what is missing without).
OPTIONAL = {
    "mmcli": ("modemmanager", "modem", "the signal of modems"),
    "v4l2-ctl": ("v4l-utils", "hdmi.input", "the mode of the HDMI input"),
}
GROUPS = {"metrics": "the database", "systemd-journal": "the journal"}


def examine(box: Box) -> Iterator[Finding]:
    scheduled = {metric.name for metric in box.configuration.metrics if metric.scheduled} if box.configuration else None
    lacking = False
    for name, (package, metric, missing) in OPTIONAL.items():
        if scheduled is not None and metric not in scheduled:
            continue
        try:
            program.find(box.root, name, package)
        except NoData:
            lacking = True
            yield note(f"is not installed: without it {metric} lacks {missing}", name, f"sudo apt install {package}")
    if not lacking:
        yield ok("all that the collectors ask are there")
    yield from _groups()


def _groups() -> Iterator[Finding]:
    """Of the person, also behind sudo. Root needs none."""
    person = os.environ.get("SUDO_USER") or ""
    if not person:
        try:
            person = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return
    if person == "root":
        return
    missing = [name for name in GROUPS if not _is_member(person, name)]
    if missing:
        what = " and ".join(GROUPS[name] for name in missing)
        yield note(
            f"is in no group that may read {what} without sudo",
            person,
            f"sudo usermod -aG {','.join(missing)} {person}, and log in again",
        )


def _is_member(person: str, group: str) -> bool:
    try:
        about = grp.getgrnam(group)
        return person in about.gr_mem or pwd.getpwnam(person).pw_gid == about.gr_gid
    except KeyError:
        return False
