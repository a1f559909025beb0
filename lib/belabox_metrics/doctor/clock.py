"""Is the clock set, and is it right?"""

from __future__ import annotations

from ..errors import Problem
from ..health import clock, facts
from ..health.verdict import OK
from ..owner import As
from ..store.database import DatabaseError, Store
from .finding import note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .finding import Finding

EARLIEST_MS = 1_577_836_800_000
HINT = "timedatectl timesync-status"


def examine(box: Box) -> Iterator[Finding]:
    if box.now.wall_ms < EARLIEST_MS:
        yield problem("the clock tells a time before 2020: it was never set", hint=HINT)
        return
    if box.now.synchronized:
        yield ok("the clock was set from a server")
    else:
        yield note("no server has set the clock since the start: times are corrected once one has", hint=HINT)
    try:
        with As():
            found = facts.read(Store(box.database))
    except (Problem, DatabaseError):
        return  # told by the database
    if found.skew is None:
        return
    verdict = clock.judge(found.skew, found.limits.skew_ms, box.now)
    compared = verdict.message.partition("; ")[2]
    if verdict.status != OK:
        yield problem(f"the clock is {compared}", hint=HINT)
    elif compared:
        yield ok(f"the clock is {compared}")
