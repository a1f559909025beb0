"""The metrics this installation can collect: found in the package of collectors, listed nowhere."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Callable, NamedTuple

COLLECTORS = "belabox_metrics.collectors"


class Known(NamedTuple):
    """What a collector module says about itself. `settings`: key -> (kind, default);
    `not_scheduled(settings)` is why it can't run with these settings, "" when it can; `takes_the_place_of` names the
    metric whose series it gives as well, so that one of the two must not run, "" for none."""

    name: str
    priority: int
    settings: dict[str, tuple[str, object]]
    not_scheduled: Callable[[dict[str, object]], str]
    takes_the_place_of: str = ""


def discover(package: str = COLLECTORS) -> dict[str, Known]:
    """Metric -> what is known of it, for every module of `package` that has a METRIC."""
    found: dict[str, Known] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        collector = importlib.import_module(f"{package}.{module.name}")
        name = getattr(collector, "METRIC", None)
        if isinstance(name, str):
            found[name] = Known(
                name,
                collector.PRIORITY,
                dict(collector.SETTINGS),
                getattr(collector, "not_scheduled", _always),
                getattr(collector, "TAKES_THE_PLACE_OF", ""),
            )
    return found


def _always(_settings: dict[str, object]) -> str:
    return ""
