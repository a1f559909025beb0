"""Which samples no server keeps, though it may answer that all went well.

VictoriaMetrics answers 204 and drops a sample that is from before its retention or more than two days ahead, a whole
line for one value that is no number; it keeps a number that no double can hold as infinity.
"""

from __future__ import annotations

import math
import sys

LARGEST = sys.float_info.max
# As many of these as fit into memory add up to less than LARGEST.
_MODEST = 1e290
# The last moment with a year of four digits, which is all that RFC 3339 has.
LAST_MS = 253_402_300_799_999
# September 2001, the first of 13 digits: a clock that says less has never been set.
EARLIEST_MS = 10**12
# Half of what VictoriaMetrics allows: the two clocks need not agree.
AHEAD_MS = 24 * 60 * 60 * 1000


def refusal(timestamp_ms: int, value: float) -> str:
    """Why no format can say this, in words; "" when it can be said."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{value!r} is not a number"
    # NaN is unequal to everything; an integer may be larger than any double.
    if not -LARGEST <= value <= LARGEST:
        return "not a finite number"
    if not 0 <= timestamp_ms <= LAST_MS:
        return f"its time, {timestamp_ms} ms, is before 1970 or after 9999"
    return ""


def never_kept(timestamp_ms: int, now_ms: int | None) -> str:
    """Why a server whose clock says `now_ms` would drop a sample of this time without a word; "" when it keeps it.

    None while the time is not known: to a clock that lags behind, all that was sampled before is in the future. How far
    back the server's retention goes is not known here."""
    if timestamp_ms < EARLIEST_MS:
        return "taken while the clock of the box had not been set"
    if now_ms is not None and timestamp_ms > now_ms + AHEAD_MS:
        return "taken more than a day ahead of the server's clock"
    return ""


def all_finite(values: list[float]) -> bool:
    """Whether `refusal` would find nothing in `values`, which are not empty. May say no for some that are fine; costs
    little, where asking for each one would cost as much as spelling it."""
    if not set(map(type, values)) <= {int, float}:
        return False
    # min and max may pass over a NaN, a sum does not.
    return min(values) > -_MODEST and max(values) < _MODEST and not math.isnan(sum(values))
