"""Do files belong to whom they should, with the rights they should have, and is there byte code?"""

from __future__ import annotations

import compileall
import grp
import importlib.util
import os
import pwd
import stat
from shlex import quote
from typing import NamedTuple

from ..errors import Problem
from ..owner import As
from ..remote.credentials import TOKEN_FILE
from ..schedule.compile import DEFAULT_PATH as CONFIG
from ..store.database import DEFAULT_PATH as DATABASE
from .box import TREE
from .finding import note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .finding import Finding

ACCOUNT = "metrics"
_INSTALL = "sudo ./install.sh"


class Place(NamedTuple):
    """What install.sh and the jobs make: at `path`, of `owner` and `group`, with `mode`. `secret`: a mode that gives
    others less is right as well, one that gives them more is the worst there is."""

    path: str
    mode: int
    owner: str
    group: str
    needed: bool = True
    secret: bool = False


def places(box: Box) -> list[Place]:
    database = box.database
    found = [Place(box.place(TOKEN_FILE), 0o600, "root", "root", needed=False, secret=True)]
    # Another directory is somebody else's, and may hold more: recordings on the disk of storage.path, all of /tmp.
    if _is_usual(box, box.config, CONFIG):
        directory = os.path.dirname(box.config)
        found += [
            Place(directory, 0o750, "root", ACCOUNT),
            Place(box.config, 0o640, "root", ACCOUNT),
            Place(f"{directory}/collectors.d", 0o755, "root", "root", needed=False),
        ]
    if _is_usual(box, database, DATABASE):
        found.append(Place(os.path.dirname(database), 0o750, ACCOUNT, ACCOUNT))
    found += [Place(database + end, 0o640, ACCOUNT, ACCOUNT, needed=False) for end in ("", "-wal", "-shm", ".lock")]
    return [*found, Place(box.place(TREE), 0o755, "root", "root", needed=False)]


def examine(box: Box) -> Iterator[Finding]:
    yield from _account()
    yield from _owners(box)
    yield from _directory(box)
    yield from _byte_code(box)


def _account() -> Iterator[Finding]:
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        yield problem("there is no such user, as which the jobs run", ACCOUNT, _INSTALL)


def _owners(box: Box) -> Iterator[Finding]:
    wrong = unseen = 0
    for place in places(box):
        try:
            about = os.lstat(place.path)
        except FileNotFoundError:
            if place.needed:
                wrong += 1
                yield problem("does not exist", place.path, _INSTALL)
            continue
        except OSError:
            unseen += 1
            continue
        said = _fault(place, about)
        if said:
            wrong += 1
            path = quote(place.path)
            yield problem(
                said,
                place.path,
                f"sudo chown {place.owner}:{place.group} {path} && sudo chmod {place.mode:o} {path}",
                lambda place=place: _mend(place),  # type: ignore[misc]
            )
    if unseen:
        yield note(f"{unseen} places can't be seen by this user", hint="use sudo")
    elif not wrong:
        yield ok("owners and rights are as they should be")


def _is_usual(box: Box, path: str, usual: str) -> bool:
    """Whether it is in the directory that install.sh made for it."""
    return os.path.dirname(path) == box.place(os.path.dirname(usual))


def _directory(box: Box) -> Iterator[Finding]:
    """Of a database that is elsewhere: whether the jobs may use it, which root alone can try."""
    if _is_usual(box, box.database, DATABASE) or not box.is_root:
        return
    directory = os.path.dirname(box.database)
    with As():
        usable = os.access(directory, os.W_OK | os.X_OK, effective_ids=True)
    if not usable:
        own = f"{directory}/belabox-metrics"
        hint = f"sudo install -d -o {ACCOUNT} -g {ACCOUNT} -m 750 {quote(own)}, and storage.path: {own}/metrics.db"
        yield problem(f"the jobs, as {ACCOUNT}, may not write there", directory, hint)


def _fault(place: Place, about: os.stat_result) -> str:
    if stat.S_ISLNK(about.st_mode):
        return ""  # somebody has put it elsewhere, and knows why
    mode = stat.S_IMODE(about.st_mode)
    owner, group = _name(about)
    if owner != place.owner:
        return f"belongs to {owner}, not to {place.owner}"
    more, less = mode & ~place.mode, place.mode & ~mode
    # The owner's rights are what the jobs need.
    if place.secret and more:
        return f"can be read by others: its mode is {mode:04o}, not {place.mode:04o}"
    if more & 0o022:
        return f"can be written by others: its mode is {mode:04o}, not {place.mode:04o}"
    is_theirs = group == place.group == place.owner == ACCOUNT
    if is_theirs and less & 0o050 and not less & 0o700:
        rights = f"its mode is {mode:04o}, not {place.mode:04o}"
        return f"is not for its group to read, whose members look without sudo: {rights}"
    if less & 0o700 or (less and group == place.group == ACCOUNT and place.owner == "root"):
        return f"can't be used by the jobs: its mode is {mode:04o}, not {place.mode:04o}"
    if group != place.group and place.owner == "root" and place.group == ACCOUNT:
        return f"is of the group {group}, not of {place.group}: the jobs can't read it"
    return ""


def _name(about: os.stat_result) -> tuple[str, str]:
    try:
        owner = pwd.getpwuid(about.st_uid).pw_name
    except KeyError:
        owner = str(about.st_uid)
    try:
        return owner, grp.getgrgid(about.st_gid).gr_name
    except KeyError:
        return owner, str(about.st_gid)


def _mend(place: Place) -> str:
    """By a handle on what is there, so that a link put in its place in between leads nowhere. Nor is a file given away
    that has another name: the jobs' user may have put there what is not its own."""
    try:
        owner, group = pwd.getpwnam(place.owner).pw_uid, grp.getgrnam(place.group).gr_gid
    except KeyError as missing:
        raise Problem(f"there is no {missing.args[0]}", where=place.path, hint=_INSTALL) from missing
    handle = os.open(place.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        about = os.fstat(handle)
        if stat.S_ISREG(about.st_mode) and about.st_nlink > 1:
            hint = f"find / -samefile {quote(place.path)}"
            raise Problem("has another name too, a hard link", where=place.path, hint=hint)
        os.fchown(handle, owner, group)
        os.fchmod(handle, place.mode)
    finally:
        os.close(handle)
    return f"{place.path} belongs to {place.owner}:{place.group} and has mode {place.mode:04o}"


def _byte_code(box: Box) -> Iterator[Finding]:
    """Jobs in their sandbox can't write any, and start four times slower without."""
    library = box.place(f"{TREE}/lib")
    missing = []
    for directory, names, files in os.walk(library):
        names[:] = [name for name in names if name != "__pycache__"]
        missing += [path for path in (os.path.join(directory, name) for name in files) if not _is_compiled(path)]
    if not os.path.isdir(library):
        yield note("is not there: this is not an installed program", library)
    elif missing:
        yield problem(
            f"{len(missing)} modules have no byte code that fits, as {os.path.basename(missing[0])}: every job starts"
            " four times slower",
            library,
            f"sudo /usr/bin/python3 -I -m compileall -q {library}",
            lambda: _compile(library),
        )
    else:
        yield ok("byte code is complete")


def _is_compiled(path: str) -> bool:
    """By the time and the size of its source, which is in bytes 8 to 16 (PEP 552, without hash)."""
    if not path.endswith(".py"):
        return True
    try:
        source = os.stat(path)
        with open(importlib.util.cache_from_source(path), "rb") as file:
            head = file.read(16)
    except OSError:
        return False
    told = (int(source.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + (source.st_size & 0xFFFFFFFF).to_bytes(
        4, "little"
    )
    return head[:4] == importlib.util.MAGIC_NUMBER and head[4:8] == bytes(4) and head[8:] == told


def _compile(library: str) -> str:
    if not compileall.compile_dir(library, quiet=2):
        raise Problem("not all of it could be compiled", where=library)
    return f"compiled {library}"
