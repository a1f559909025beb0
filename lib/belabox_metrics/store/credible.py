"""Whether it can be what the tables of the queue say: how far each priority was sent, what is on its way, what waits.

To SQLite a number that became another is none the worse. By a position that is too great all that is stored from then
on would be taken for sent, and in time deleted.
"""

from __future__ import annotations

from ..errors import Damaged
from .mistyped import mistyped
from .queue import PRIORITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

# In one statement: what is stored meanwhile is in both or in none. Of a priority that there is not nobody would send
# the runs, nor look for them.
_BEYOND = f"""
SELECT 'positions' FROM positions WHERE run > (SELECT coalesce(max(id), 0) FROM runs)
UNION ALL SELECT 'flights' FROM flights
    WHERE last_run > (SELECT coalesce(max(id), 0) FROM runs) OR after_run >= last_run
        OR start < 0 OR start >= stop OR priority NOT IN {PRIORITIES}
UNION ALL SELECT 'backlog' FROM backlog
    WHERE upto_run > (SELECT coalesce(max(id), 0) FROM runs) OR after_run >= upto_run OR priority NOT IN {PRIORITIES}
"""  # noqa: S608 - constants


def beyond(connection: Connection) -> str:
    """What can't be in tables whose values are of the right kinds, "" for nothing."""
    wrong = connection.execute(_BEYOND).fetchone()
    if wrong:
        return f"the database is damaged: {wrong[0]} tells of runs that there are not"
    there = [priority for (priority,) in connection.execute("SELECT priority FROM positions ORDER BY priority")]
    return "" if there == list(PRIORITIES) else "the database is damaged: positions are not those of the priorities"


def must_be_credible(connection: Connection) -> None:
    """For who sends or deletes by them. Raises Damaged."""
    for table in ("positions", "backlog", "flights"):
        if wrong := mistyped(connection, table):
            raise Damaged(wrong)
    if wrong := beyond(connection):
        raise Damaged(wrong)
