"""`/metrics` as the responder gives it."""

from __future__ import annotations

from .. import clock
from ..health.answer import text
from .family import CONTENT_TYPE
from .page import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..health.answer import Answer
    from ..health.visit import Visit

KEPT = "exposition.page"


def answer(visit: Visit) -> Answer:
    """The page, always 200: what ails the box stands on it."""
    page = visit.kept.get(KEPT)
    if not isinstance(page, Page):
        page = visit.kept[KEPT] = Page(visit.store)
    return text(200, page.text(clock.now()), CONTENT_TYPE)
