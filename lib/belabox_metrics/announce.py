"""Events, into the journal."""

from __future__ import annotations

from . import journal
from .event import CRITICAL
from .sample import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .event import Event

# Of one run: more are not read. The others are in the database.
MOST = 20


def announce(events: list[Event], stored: int, fields: dict[str, Any]) -> None:
    """A record for each of `events`, with those fields; the first `stored` of them are in the database."""
    for event in events[: min(stored, MOST)]:
        journal.record(
            f"{event.name}: {event.text}" if event.text else event.name,
            priority=journal.WARNING if event.priority == CRITICAL else journal.NOTICE,
            message_id=journal.EVENT,
            event=event.name,
            event_priority=event.priority,
            event_tags=canonical(event.tags) or None,
            event_time_ms=event.wall_ms,
            **fields,
        )
    if len(events) > MOST:
        message = f"{fields['metric']}: {len(events)} events at once, {stored} of them stored"
        journal.record(message, priority=journal.WARNING, message_id=journal.EVENTS_LEFT_OUT, **fields)
