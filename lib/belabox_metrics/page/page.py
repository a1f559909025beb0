"""The page at `/`."""

from __future__ import annotations

from ..health.answer import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..health.answer import Answer
    from ..health.visit import Visit


def answer(visit: Visit) -> Answer:
    """The page of this moment."""
    return text(200, f"{visit.store.path}\n")
