"""What an answer of the server means."""

from __future__ import annotations

from ..errors import Problem, TryLater

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .transport import Answer

ACCEPTED = "accepted"
BUSY = "busy"  # the same bytes may pass later
UNFIT = "unfit"  # something in these bytes is not wanted
REFUSED = "refused"  # nothing passes until a person does something

_BUSY = (408, 425, 429)
_UNFIT = (400, 413, 422)
_HINTS = {
    401: "is remote.auth set, and the token right? /etc/belabox-metrics/api-token",
    403: "may this token write? /etc/belabox-metrics/api-token",
    404: "is remote.url the server's import URL?",
}
KEEPS = "everything stays pending"
# Of what the server says, for a person.
REASON_LIMIT = 200


class BusyServer(TryLater):
    """The server answered that it can't now."""


class Refused(Problem):
    """The server answered that it does not want this."""


def meaning(answer: Answer) -> str:
    """ACCEPTED, BUSY, UNFIT or REFUSED."""
    if 200 <= answer.status < 300:
        return REFUSED if answer.is_web_page else UNFIT if answer.shortfall else ACCEPTED
    if answer.status in _BUSY or answer.status >= 500:
        return BUSY
    return UNFIT if answer.status in _UNFIT else REFUSED


def problem_of(answer: Answer, endpoint: str) -> Problem:
    """An answer that is not acceptance, in words."""
    status = answer.status
    if meaning(answer) == BUSY:
        return BusyServer(f"the server answered {status}", where=endpoint, hint="sent again later")
    if answer.shortfall:
        return Refused(f"the server answered {status}, but {answer.shortfall}", where=endpoint, hint=KEEPS)
    if 200 <= status < 300:
        hint = f"somebody's log-in page? {KEEPS}"
        return Refused(f"the server answered {status} with a web page", where=endpoint, hint=hint)
    if 300 <= status < 400:
        hint = "a redirect is not followed, set remote.url to where it leads"
        return Refused(f"the server answered {status}", where=endpoint, hint=hint)
    said = reason(answer)
    what = f"the server answered {status}" + (f": {said}" if said else "")
    return Refused(what, where=endpoint, hint=_HINTS.get(status, KEEPS))


def reason(answer: Answer) -> str:
    """What the server says about it: its first line, printable and not long."""
    if answer.shortfall:
        return answer.shortfall
    text = answer.body[: REASON_LIMIT * 4].decode("utf-8", "replace").strip()
    line = text.splitlines()[0] if text else ""
    return "".join(char if char.isprintable() else "?" for char in line)[:REASON_LIMIT]
