"""What the last outcomes say about the way to the server, and what is sent over such a way.

realtime  everything that is due
degraded  priorities 0 and 1, at most once a minute, in large chunks; one chunk of the rest shows whether it is over,
          and another follows as long as they go well
offline   one chunk as a probe
"""

from __future__ import annotations

REALTIME = "realtime"
DEGRADED = "degraded"
OFFLINE = "offline"

# Outcomes of one request each.
GOOD = "g"
SLOW = "s"  # accepted, but it took longer than SLOW_S
UNREACHABLE = "u"  # no answer
BUSY = "b"  # 429, 5xx
REFUSED = "r"  # any other answer

SLOW_S = 10.0
# Once a minute is enough for a way that hardly carries.
DEGRADED_INTERVAL_MS = 60_000


def after(mode: str, outcomes: str) -> str:
    """The mode that follows from `outcomes`, newest last, when it was `mode` before the newest."""
    if outcomes[-4:] == UNREACHABLE * 4:
        return OFFLINE
    if outcomes[-3:] == GOOD * 3:
        return REALTIME
    if sum(outcome != GOOD for outcome in outcomes[-4:]) >= 2:
        return OFFLINE if mode == OFFLINE and outcomes[-1:] == UNREACHABLE else DEGRADED
    return DEGRADED if mode == OFFLINE and outcomes[-1:] != UNREACHABLE else mode


def allows(mode: str, is_rest: bool, sent: int, rest_sent: int, went_well: bool) -> bool:
    """Whether one more chunk may go, when `sent` chunks went already, `rest_sent` of them of the rest, which is what is
    neither critical nor high, or drains behind. `went_well`: the last one did, so that a way that carries again is
    found out at once."""
    if mode == REALTIME:
        return True
    if mode == OFFLINE:
        return sent == 0
    return not is_rest or rest_sent == 0 or went_well
