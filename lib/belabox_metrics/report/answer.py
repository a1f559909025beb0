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
    from ..store.sessions import Stored

BEGINNING = "/report/"
# One of two days takes many seconds. Whoever asks again and again has a tenth of a processor, and no more.
FRESH_TIMES = 10
_KEPT = "report"


def answer(visit: Visit) -> Answer:
    """The page; 404 where there is no such session. Raises Problem where the database can't be read."""
    connection = visit.store.reading()
    try:
        session = chosen(connection, visit.request.path[len(BEGINNING) :])
        kept = visit.kept.get(_KEPT)
        if isinstance(kept, _Kept) and kept.is_good(session):
            return kept.answer
        began = time.monotonic()
        made = report(connection, session, time.time_ns() // 1_000_000)
    except UsageProblem as none:
        return text(404, f"{none.what}\n")
    except DatabaseError as error:
        raise problem(error, visit.store.path) from error
    finally:
        connection.close()
    whole = page(200, html(made, home="/"), styles=[CSS])
    now = time.monotonic()
    visit.kept[_KEPT] = _Kept(whole, session, now + FRESH_TIMES * (now - began))
    return whole


class _Kept:
    """The last one that was made, for as long as it is fresh."""

    __slots__ = ("answer", "session", "until")

    def __init__(self, answer: Answer, session: Stored, until: float) -> None:
        self.answer = answer
        self.session = session
        self.until = until

    def is_good(self, session: Stored) -> bool:
        same = session.id == self.session.id and session.status == self.session.status
        return same and time.monotonic() < self.until
