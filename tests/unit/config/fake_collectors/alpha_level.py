from __future__ import annotations

METRIC = "alpha.level"
PRIORITY = 2
SETTINGS: dict[str, tuple[str, object]] = {}
