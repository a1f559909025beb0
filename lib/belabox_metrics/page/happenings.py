"""What happened of late, and the streams that there were."""

from __future__ import annotations

from ..health import places
from ..markup import escaped
from .pieces import TEXT_LIMIT, card, said
from .view import EVENTS, EVENTS_MS
from .words import clock, lasting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.events import Happened
    from ..store.sessions import Stored
    from .view import View

REPORT = "/report/"


def events(view: View) -> str:
    """The card of events, the newest first."""
    hours = EVENTS_MS // 3_600_000
    title = f"Events of the last {hours} hours"
    if not view.happened:
        return card("events", title, said("Nothing happened that is worth telling."))
    rows = [_event(event, view.now.wall_ms) for event in view.happened]
    more = said(f"These are the last {EVENTS}.") if len(rows) == EVENTS else ""
    return card("events", title, f'<ul class="events">{"".join(rows)}</ul>{more}')


def _event(event: Happened, now_ms: int) -> str:
    of = ", ".join(
        str(value) for key, value in event.tags.items() if key in ("interface", "link", "alert", "zone", "reason")
    )
    text = " ".join(filter(None, (f"({of})" if of else "", event.text)))
    kind, sign = ("bad", "! ") if event.priority == 0 else ("", "")
    return (
        f'<li class="{kind}"><time>{clock(event.timestamp_ms, now_ms)}</time>'
        f'<span><b><span aria-hidden="true">{sign}</span>{escaped(event.name.replace("_", " "), 60)}</b>'
        f" {escaped(text, TEXT_LIMIT)}</span></li>"
    )


def streams(view: View) -> str:
    """The card of the last sessions."""
    if not view.sessions:
        return card("streams", "Last streams", said("No stream was recorded yet."))
    rows = [_session(session, view) for session in view.sessions]
    return card("streams", "Last streams", f'<ul class="streams">{"".join(rows)}</ul>')


def _session(session: Stored, view: View) -> str:
    now_ms = view.now.wall_ms
    began = clock(session.start_ms, now_ms)
    if session.end_ms is not None:
        how = f"{lasting(session.end_ms - session.start_ms)}, {session.status}"
    else:
        how = "live" if session is view.live else "its end was not seen"
    path = f"{REPORT}{session.id}"
    # The report is another room's, which may not be there.
    name = f'<a href="{escaped(path)}">{began}</a>' if places.found(path) else began
    return f"<li>{name} <span>{escaped(how)}</span></li>"
