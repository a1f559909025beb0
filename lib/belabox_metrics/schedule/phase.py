"""Where a box stands in the minute that all boxes share.

All boxes have the right time and, as a rule, the same configuration: each would collect, and send what is urgent, in
the same hundredths of a second as all others.
"""

from __future__ import annotations

import hashlib

from .stagger import GRID, WINDOW


def of(device_id: str) -> int:
    """0 to WINDOW ms, a multiple of GRID: the same for a box each time, evenly spread over many names."""
    digest = hashlib.sha256(device_id.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % (WINDOW // GRID) * GRID
