"""Which metrics are not collected, and why?"""

from __future__ import annotations

from ..errors import Problem
from ..owner import As
from ..status.reading import ABSENT, FAILING, LATE, LIVE, Reading
from ..store.database import DatabaseError, Store
from .finding import note, ok, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .box import Box
    from .finding import Finding

# More that are late have one reason, and it is none of theirs.
FEW = 3


def examine(box: Box) -> Iterator[Finding]:
    try:
        with As():
            reading = Reading(Store(box.database), box.now, box.manager)
    except (Problem, DatabaseError):
        yield note("nothing is known without a database that can be read")
        return
    live = 0
    late = [metric.name for metric in reading.metrics if metric.state == LATE]
    if len(late) > FEW:
        what = f"{len(late)} are not collected when they are due: {', '.join(late)}"
        yield problem(what, hint="systemctl list-timers 'belabox-metrics*'")
    for metric in reading.metrics:
        if metric.state == FAILING or (metric.state == LATE and len(late) <= FEW):
            yield problem(metric.told, metric.name, f"journalctl BELABOX_METRIC={metric.name} -n 5")
        elif metric.state == ABSENT:
            yield note(f"has nothing to read: {metric.told}", metric.name)
        elif metric.state == LIVE:
            live += 1
    yield ok(f"{live} metrics have values")
    for alert in reading.alerts:
        yield note("the alert is on", f"{alert.name} of {alert.metric}", "journalctl BELABOX_EVENT=alert_raised -n 5")
