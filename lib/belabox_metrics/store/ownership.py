"""Whose a new file beside the database is: the owner's of the directory, whoever makes it.

A job that root has started by hand must not shut out those that systemd starts as their own user. Nor may the umask of
a unit shut out a person of the group, who looks without sudo.
"""

from __future__ import annotations

import posix as os  # as environment.py says

MODE = 0o640


def made(path: str) -> int:
    """A descriptor of a file that was not there before, to read and write. Raises OSError, FileExistsError where there
    is one, be it a link that leads nowhere: root gives away nothing but what it has made."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    try:  # noqa: SIM105 - contextlib costs a millisecond
        os.fchmod(descriptor, MODE)
    except OSError:  # a file system without rights
        pass
    if os.geteuid() == 0:
        folder = os.stat(path.rpartition("/")[0] or ("/" if path.startswith("/") else "."))
        try:  # noqa: SIM105
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
        except OSError:  # a file system without owners
            pass
    return descriptor
