"""What is where beside /health: a path, and who answers it. Each is loaded when it is first asked for, so that none of
them is paid for by who asks how the box is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .answer import Answer
    from .visit import Visit

    Place = Callable[[Visit], Answer]


def _page(visit: Visit) -> Answer:
    from ..page.page import answer

    return answer(visit)


def _report(visit: Visit) -> Answer:
    from ..report.answer import answer

    return answer(visit)


def _metrics(visit: Visit) -> Answer:
    from ..exposition.answer import answer

    return answer(visit)


# The very path. An answer is good for a second, whoever asks, so it must not depend on the query.
AT: dict[str, Place] = {"/": _page, "/metrics": _metrics}
# All paths that begin so. Made anew for each request.
BELOW: dict[str, Place] = {"/report/": _report}


def found(path: str) -> Place | None:
    """Who answers this path, None for nobody."""
    below = [place for beginning, place in BELOW.items() if path.startswith(beginning)]
    return AT.get(path) or (below[0] if below else None)
