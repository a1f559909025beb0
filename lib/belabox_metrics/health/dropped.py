"""What the maintenance had to drop, as there was no room for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..clock import Moment
    from ..store.queue import Dropped

# So long a person is to hear of it; the counts stay in the details.
RECENT_MS = 24 * 3_600_000


def said(dropped: Dropped, now: Moment) -> str:
    """What to tell at `now`, "" when it is long ago, or never was."""
    if not dropped.last_ms or abs(now.wall_ms - dropped.last_ms) > RECENT_MS:
        return ""
    pending, sent = sum(dropped.pending.values()), sum(dropped.sent.values())
    return (
        f"there was no room, {pending + sent} samples were dropped so far, {pending} of them never sent:"
        " see storage.max_size and the disk"
    )


def details(dropped: Dropped) -> dict[str, object]:
    """Numbers of samples by priority."""
    return {
        "dropped_pending": {str(priority): count for priority, count in dropped.pending.items()},
        "dropped_sent": {str(priority): count for priority, count in dropped.sent.items()},
    }
