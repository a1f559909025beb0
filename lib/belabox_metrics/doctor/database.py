"""Is the database whole, of this version, and not too large?"""

from __future__ import annotations

import os
from shlex import quote

from ..errors import Problem, TryLater
from ..health.limits import read as limits
from ..mark import RECOVER
from ..owner import As
from ..quantity import shown
from ..store import damage, figures, quarantine
from ..store.database import DatabaseError, Store
from .finding import Finding, note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .box import Box

# Seconds. A healthy one of 300 MB takes less on a good card.
CHECK_S = 30.0
SALVAGER = "belabox-metrics-recover.service"
SALVAGE = f"sudo systemctl start {SALVAGER}"
# That one looks a database over only where somebody has asked for it.
LOOK = "sudo belabox-metrics doctor --repair --only database"


def examine(box: Box) -> Iterator[Finding]:
    with As():
        # Not while a generator waits with somebody else's rights.
        found = [*_examined(box), *_aside(box)]
    yield from found


def _aside(box: Box) -> Iterator[Finding]:
    """Damaged ones that were moved away: of those that a person has seen, where they lie."""
    for aside in quarantine.standing(box.database):
        said = f"was damaged ({aside.why}) and moved aside"
        if not aside.salvaged:
            yield problem(
                f"{said}; what can be read of it is not brought over yet", aside.path, SALVAGE, _salvaging(box)
            )
            continue
        said += f"; {aside.runs} runs with {aside.samples} samples were brought over"
        if aside.lost or aside.gaps:
            said += f", {aside.lost} could not be read, and there are {aside.gaps} gaps of unknown length"
        if aside.acknowledged:
            yield note(said, aside.path, f"sudo rm {quote(aside.path)}*, once nobody wants to look at it")
        else:
            yield problem(said, aside.path, "sudo belabox-metrics doctor --acknowledge")


def _salvaging(box: Box) -> Callable[[], str] | None:
    def salvage() -> str:
        box.manager.start([SALVAGER])
        return "what can be read of the damaged database was brought over"

    return salvage if box.manager.is_there() else None


def _looking(box: Box) -> Callable[[], str] | None:
    def look() -> str:
        with As():
            RECOVER.leave()
        try:
            box.manager.start([SALVAGER])
        except TryLater:
            return "the database is looked over: journalctl BELABOX_JOB=recover tells what comes of it"
        return "the database was looked over"

    return look if box.manager.is_there() else None


def _examined(box: Box) -> Iterator[Finding]:
    path = box.database
    try:
        connection = Store(path).reading()
    except Problem as fault:
        # Who may not look can't tell whether it is well.
        unseen = not os.access(os.path.dirname(path) or ".", os.X_OK)
        yield (note if unseen else problem)(fault.what, fault.where, fault.hint)
        return
    try:
        log_limit = limits(connection).log_bytes
    except (DatabaseError, ValueError) as fault:
        yield problem(str(fault), path)
        return
    finally:
        connection.close()
    size, log = figures.size(path), figures.size(f"{path}-wal")
    said = damage.found(path, CHECK_S)
    if said:
        yield problem(f"is damaged: {said}", path, LOOK, _looking(box))
    else:
        yield ok(f"is whole: {shown('_bytes', size)}, its log {shown('_bytes', log)}", path)
    if log > log_limit:
        what = f"has {shown('_bytes', log)}, more than {shown('_bytes', log_limit)}: nobody tidies it up"
        yield problem(what, f"{path}-wal", "sudo systemctl start belabox-metrics-maintain.service")
