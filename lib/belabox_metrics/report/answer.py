"""The same over HTTP: /report/SESSION, where the beginning of the id is enough, and /report/ for the last session."""

from __future__ import annotations

import time

from ..errors import UsageProblem
from ..health.answer import page, text
from ..store.database import DatabaseError, problem
from .document import html
from .report import chosen, report
from .style import CSS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..health.answer import Answer
    from ..health.visit import Visit

BEGINNING = "/report/"


def answer(visit: Visit) -> Answer:
    """The page; 404 where there is no such session. Raises Problem where the database can't be read."""
    connection = visit.store.reading()
    try:
        session = chosen(connection, visit.request.path[len(BEGINNING) :])
        made = report(connection, session, time.time_ns() // 1_000_000)
    except UsageProblem as none:
        return text(404, f"{none.what}\n")
    except DatabaseError as error:
        raise problem(error, visit.store.path) from error
    finally:
        connection.close()
    return page(200, html(made, home="/"), styles=[CSS])
