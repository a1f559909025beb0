"""Is the database whole, of this version, and not too large?"""

from __future__ import annotations

import os

from ..errors import Problem
from ..health.limits import read as limits
from ..owner import As
from ..quantity import shown
from ..store import damage, figures
from ..store.database import DatabaseError, Store
from .finding import Finding, note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box

# Seconds. A healthy one of 300 MB takes less on a good card.
CHECK_S = 30.0


def examine(box: Box) -> Iterator[Finding]:
    path = box.database
    with As():
        # Not while a generator waits with somebody else's rights.
        found = list(_examined(path))
    yield from found


def _examined(path: str) -> Iterator[Finding]:
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
        yield problem(f"is damaged: {said}", path, "it is moved aside and a new one made by the next job that meets it")
    else:
        yield ok(f"is whole: {shown('_bytes', size)}, its log {shown('_bytes', log)}", path)
    if log > log_limit:
        what = f"has {shown('_bytes', log)}, more than {shown('_bytes', log_limit)}: nobody tidies it up"
        yield problem(what, f"{path}-wal", "sudo systemctl start belabox-metrics-maintain.service")
