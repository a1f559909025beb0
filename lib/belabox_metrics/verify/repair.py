"""Queueing what is missing, as a backlog: it drains behind what is sampled now."""

from __future__ import annotations

from ..store import backlog, queue
from .standing import waiting_spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ..store.database import Store
    from .gaps import Gap


class Repaired:
    """`runs` with `samples` numbers wait again. `left`: runs that do not, because somebody else has queued or removed
    them since."""

    def __init__(self) -> None:
        self.runs = self.samples = self.left = 0


def repair(store: Store, gaps: list[Gap]) -> Repaired:
    """Queue the runs of `gaps`, and only these, in one transaction. Raises what Store.writing() does."""
    done = Repaired()
    with store.writing() as connection:
        waiting = waiting_spans(connection)
        for gap in gaps:
            after = gap.first - 1
            meets = any(begin < gap.last and end > after for begin, end in waiting[gap.priority])
            if meets or not _is_whole(connection, gap):
                done.left += gap.runs
                continue
            backlog.add(connection, gap.priority, after, gap.last)
            # What was refused is judged anew together with its neighbours.
            connection.execute(_FORGET, _span(gap))
            sent = gap.samples - gap.set_aside
            queue.count(connection, gap.priority, sent=-sent, rejected=-gap.set_aside)
            done.runs += gap.runs
            done.samples += gap.samples
    return done


def _is_whole(connection: Connection, gap: Gap) -> bool:
    """Nothing of it was removed since: what is gone can't be sent, and must not be counted as waiting."""
    kept = connection.execute(_COUNT, _span(gap))
    return int(kept.fetchone()[0]) >= gap.runs


def _span(gap: Gap) -> tuple[int, int, int]:
    return gap.first, gap.last, gap.priority


_COUNT = "SELECT count(*) FROM runs WHERE id BETWEEN ? AND ? AND priority = ? AND packed IS NOT NULL"
_FORGET = "DELETE FROM rejected WHERE run IN (SELECT id FROM runs WHERE id BETWEEN ? AND ? AND priority = ?)"
