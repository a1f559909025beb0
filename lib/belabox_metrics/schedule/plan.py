"""Which metric starts when."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..config.duration import spell
from . import calendar, phase, stagger

if TYPE_CHECKING:
    from ..config.configuration import Configuration
    from ..config.metrics import Metric

# The first start of what does not follow the clock, ms after boot: a small board is busy until then.
AFTER_BOOT = 20_000


class Timing(NamedTuple):
    """`calendar`: expressions that elapse every interval; [] when the timer has to count from the last start.
    `offset_ms`: what keeps the metric from starting together with others, of this box and of all boxes."""

    metric: Metric
    offset_ms: int
    calendar: list[str]

    @property
    def first_after_boot_ms(self) -> int:
        return AFTER_BOOT + self.offset_ms

    def __str__(self) -> str:
        if self.calendar:
            more = f" and {len(self.calendar) - 1} more" if len(self.calendar) > 1 else ""
            return self.calendar[0] + more
        return f"{spell(self.first_after_boot_ms)} after boot, then counted"


def timings(configuration: Configuration) -> list[Timing]:
    """One for each metric that is to run, in the order of the file."""
    metrics = [metric for metric in configuration.metrics if metric.scheduled]
    exact = {metric.name for metric in metrics if calendar.expressions(metric.interval_ms, 0)}
    # The two kinds drift past each other, so they can't be kept apart: each is staggered among its own.
    offsets: dict[str, int] = {}
    for group in (True, False):
        intervals = {metric.name: metric.interval_ms for metric in metrics if (metric.name in exact) is group}
        offsets.update(stagger.offsets(intervals))
    # All by the same, so that they stay as far apart as they are. Who counts from boot has a beginning of its own.
    turn = phase.of(configuration.device_id)
    offsets.update(
        {metric.name: (offsets[metric.name] + turn) % metric.interval_ms for metric in metrics if metric.name in exact}
    )
    return [
        Timing(metric, offsets[metric.name], calendar.expressions(metric.interval_ms, offsets[metric.name]))
        for metric in metrics
    ]
