"""The first step of a takeover: the new database knows what is to follow, before anything is in it."""

from __future__ import annotations

from ...clock import LATEST_MS
from ...mark import RECOVER
from .. import importer
from ..sqlite import UNREADABLE
from .rows import Rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from ...clock import Moment

DAY_MS = 86_400_000


def begin(connection: Connection, kept: str, moment: Moment) -> None:
    """Inside the transaction that makes a database: the rows of the file `kept` are to follow. One that can't be read
    at all stays where it is."""
    # A clock that nobody has set may be behind all that was sampled.
    latest_ms = moment.wall_ms + DAY_MS if moment.synchronized else LATEST_MS
    try:
        rows = Rows(kept, latest_ms)
    except UNREADABLE:
        return
    try:
        importer.begin(connection, rows.name, moment, rows.upto() or moment.wall_ms + DAY_MS, rows.total())
    finally:
        rows.close()
    # Without it, as in a checkout, the rows come when the box starts the next time, or by hand.
    RECOVER.leave()
