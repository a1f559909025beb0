"""A value that the server gives back, beside what the box has stored for its time."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .stored import Column

# What VictoriaMetrics keeps of a double (docs/upload.md): whole numbers exactly, unless others of the series have a
# fraction: then the last bits of those beyond 10^15 may change; others to 12 digits; all to 17 digits of the largest of
# their series. That largest one may be in another hour, hence one digit less.
_RELATIVE = 1e-11
_RELATIVE_WHOLE = 1e-15
_OF_LARGEST = 1e-17
_LARGEST_WHOLE = 2**53
# Below this there may be nothing but 0.
_LEAST = 1e-290


def is_same(stored: float, got: float, largest: float) -> bool:
    """Whether a server that was sent `stored` may give back `got`. `largest`: the largest absolute value about it."""
    tolerance = max(_OF_LARGEST * largest, _LEAST)
    is_whole = abs(stored) <= _LARGEST_WHOLE and stored == int(stored)
    return math.isclose(got, stored, rel_tol=_RELATIVE_WHOLE if is_whole else _RELATIVE, abs_tol=tolerance)


def meet(column: Column, timestamp_ms: int, got: float, largest: float) -> None:
    """Mark the stored sample that `got` is, or that it should be. The order in which values come changes nothing."""
    there = column.at.get(timestamp_ms)
    if there is None:
        return  # not of this box's memory: a power cut can take what was sent already
    alike = [sample for sample in there if is_same(sample.value, got, largest)]
    for sample in alike:
        if not sample.found:
            sample.found = True
            return
    if alike:
        alike[0].twice = True
    else:
        next((sample for sample in there if not sample.found), there[0]).differs = True
