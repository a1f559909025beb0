"""Damaged databases that were moved aside: where they lie, what is known of them, how they get there whole.

`metrics.db` with its `-wal` and `-shm` becomes `metrics.db.damaged-20240115T103000Z` with its own. The database goes
first, under a name that says that it is not all: whoever finds no database looks for such a name before making one, and
brings the rest after it. So a log is never left beside a database that it is not of, whenever the power goes.

Beside each lies a note, `...Z.note`, JSON: why, when, what was salvaged of it, whether a person has seen that.
"""

from __future__ import annotations

import posix as os  # as environment.py says
import time

from .ownership import MODE

KEPT = 2
_MARK = ".damaged-"
_UNFINISHED = ".moving"
_NOTE = ".note"
_LOGS = ("-wal", "-shm")


class Aside:
    """One of them. `path`: of its database. `stamp`: when, as in its name. `why`: what SQLite, or its check, said.

    runs, samples: what was salvaged; lost: runs that were found and make no sense, and `gaps` stretches of which nobody
    knows how many they held."""

    __slots__ = ("acknowledged", "gaps", "lost", "path", "runs", "salvaged", "samples", "stamp", "why")

    def __init__(self, path: str, note: dict[str, object]) -> None:
        self.path = path
        self.stamp = path.rpartition(_MARK)[2]
        self.why = str(note.get("why", "not known"))
        self.salvaged = note.get("salvaged") is True
        self.acknowledged = note.get("acknowledged") is True
        self.runs, self.samples = _count(note, "runs"), _count(note, "samples")
        self.lost, self.gaps = _count(note, "lost"), _count(note, "gaps")

    def note(self) -> None:
        """Write down what is known of it. Raises OSError."""
        from ..json_text import quote

        lines = [f'"why": {quote(self.why)}']
        lines += [f'"{name}": {str(getattr(self, name)).lower()}' for name in ("salvaged", "acknowledged")]
        lines += [f'"{name}": {getattr(self, name)}' for name in ("runs", "samples", "lost", "gaps")]
        body = "{\n  " + ",\n  ".join(lines) + "\n}\n"
        place = self.path + _NOTE
        descriptor = os.open(place + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
        try:
            try:  # noqa: SIM105 - contextlib costs a millisecond
                os.fchmod(descriptor, MODE)  # for a person of the group, whatever the umask of the unit is
            except OSError:  # a file system without rights
                pass
            os.write(descriptor, body.encode())
        finally:
            os.close(descriptor)
        os.rename(place + ".new", place)

    def remove(self) -> None:
        """For good. The database last: a log without one would be nobody's."""
        for suffix in (*_LOGS, _NOTE, ".header", ""):
            try:  # noqa: SIM105 - contextlib costs a millisecond
                os.unlink(self.path + suffix)
            except FileNotFoundError:
                pass


def standing(path: str) -> list[Aside]:
    """What was moved aside of the database at `path`, oldest first. Writes nothing and opens no database."""
    directory, name = _split(path)
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    found = [entry for entry in names if entry.startswith(name + _MARK) and _is_stamp(entry[len(name + _MARK) :])]
    return [Aside(f"{directory}/{entry}", _read(f"{directory}/{entry}{_NOTE}")) for entry in found]


def is_name(name: str) -> bool:
    """Whether an import is of one of these."""
    return _MARK in name


def unsalvaged(path: str) -> list[Aside]:
    """Those whose runs are still to come, oldest first."""
    return [aside for aside in standing(path) if not aside.salvaged]


def acknowledge(path: str) -> int:
    """A person has seen what became of them: health is silent about them. How many that were. Raises OSError."""
    found = [aside for aside in standing(path) if not aside.acknowledged]
    for aside in found:
        aside.acknowledged = True
        aside.note()
    return len(found)


def move(path: str, why: str) -> Aside:
    """Move the database at `path` aside, the lock being held. Raises OSError; what was moved then is moved the rest of
    the way by the next one."""
    finish(path)
    target = _free(path + _MARK + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    os.rename(path, target + _UNFINISHED)
    _sync(path)
    finish(path)
    aside = Aside(target, {"why": why})
    aside.note()
    _drop_oldest(path)
    return aside


def finish(path: str) -> None:
    """Bring after a database what was left behind when its move was cut short, the lock being held. Raises OSError."""
    directory, name = _split(path)
    for entry in os.listdir(directory):
        if not (entry.startswith(name + _MARK) and entry.endswith(_UNFINISHED)):
            continue
        target = f"{directory}/{entry[: -len(_UNFINISHED)]}"
        for log in _LOGS:
            try:  # noqa: SIM105
                os.rename(path + log, target + log)
            except FileNotFoundError:  # it had none, or it is there already
                pass
        os.rename(target + _UNFINISHED, target)
        _sync(path)


def _drop_oldest(path: str) -> None:
    """Two at most. One of which all was salvaged goes before one that still has something."""
    found = standing(path)
    while len(found) > KEPT:
        # The newest has nothing done for it yet.
        oldest = next((aside for aside in found[:-1] if aside.salvaged), found[0])
        found.remove(oldest)
        oldest.remove()


def make_room(path: str) -> int:
    """Remove those of which all was salvaged, as room is short; how many bytes that gives."""
    freed = 0
    for aside in standing(path):
        if aside.salvaged:
            freed += sum(_size(aside.path + suffix) for suffix in ("", *_LOGS))
            aside.remove()
    return freed


def _free(target: str) -> str:
    """`target`, or with a number behind those that are taken: names tell which is the older."""
    directory, name = _split(target)
    taken = [entry[len(name) :].split("-")[0].split(".") for entry in os.listdir(directory) if entry.startswith(name)]
    if not taken:
        return target
    return f"{target}.{1 + max(int(words[1]) if words[1:] and words[1].isdecimal() else 1 for words in taken)}"


def _is_stamp(text: str) -> bool:
    """`20240115T103000Z`, `20240115T103000Z.2`"""
    date, time_of_day, rest = text[:8], text[9:15], text[16:]
    is_time = text[8:9] + text[15:16] == "TZ" and (date + time_of_day).isdecimal()
    return is_time and (rest == "" or (rest[0] == "." and rest[1:].isdecimal()))


def _read(place: str) -> dict[str, object]:
    from ..json_text import parse

    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return {}
    try:
        found = parse(os.read(descriptor, 64 * 1024).decode("utf-8", "replace"))
    except (OSError, ValueError):
        return {}
    finally:
        os.close(descriptor)
    return found if isinstance(found, dict) else {}


def _count(note: dict[str, object], name: str) -> int:
    found = note.get(name)
    return found if isinstance(found, int) else 0


def _split(path: str) -> tuple[str, str]:
    directory, _, name = path.rpartition("/")
    return directory or ("/" if path.startswith("/") else "."), name


def _sync(path: str) -> None:
    """What was renamed stays so, in this order."""
    descriptor = os.open(_split(path)[0], os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
