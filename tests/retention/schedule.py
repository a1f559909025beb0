"""What a box collects: how often, and how much of it is of which kind."""

from __future__ import annotations

import random
from typing import NamedTuple

from belabox_metrics.sample import Sample


class Metric(NamedTuple):
    """`gauges` change each time, `steady` now and then, `counters` rise, `texts` stay. `streaming`: no data unless a
    stream is live."""

    name: str
    every_s: int
    priority: int
    gauges: int
    steady: int
    counters: int
    texts: int = 0
    streaming: bool = False


# At the specification's intervals: 32 runs a minute, 12.75 values each (docs/storage.md).
SPECIFICATION = (
    Metric("srt.packet_loss", 5, 1, 8, 0, 0),
    Metric("cpu.usage", 10, 2, 9, 0, 0),
    Metric("network.traffic", 10, 2, 0, 0, 32),
    Metric("cpu.temperature", 30, 2, 8, 0, 0),
    Metric("memory.usage", 30, 2, 3, 2, 0),
    Metric("disk.io", 30, 3, 0, 0, 16),
    Metric("meta", 30, 3, 4, 0, 0),
)
# Every metric that is shipped as enabled, on a box with eight cores, seven thermal zones, four interfaces of which
# three carry the stream, two disks and a modem, with the relay's statistics.
SHIPPED = (
    Metric("cpu.temperature", 30, 2, 8, 0, 0),
    Metric("cpu.usage", 10, 2, 9, 0, 0),
    Metric("memory.usage", 30, 2, 3, 2, 0),
    Metric("disk.io", 30, 2, 0, 0, 16),
    Metric("network.traffic", 10, 2, 0, 0, 32),
    Metric("thermal.throttle", 60, 2, 0, 8, 2),
    Metric("cpu.frequency", 60, 3, 3, 6, 0),
    Metric("gpu", 60, 3, 1, 1, 0),
    Metric("fan", 60, 3, 1, 2, 0),
    Metric("pressure", 60, 2, 6, 0, 3),
    Metric("io.wait", 60, 3, 1, 0, 0),
    Metric("system.load", 60, 3, 3, 0, 0),
    Metric("system.uptime", 300, 3, 1, 0, 0),
    Metric("disk.usage", 300, 3, 2, 6, 0),
    Metric("audio", 60, 2, 1, 4, 0, 1, streaming=True),
    Metric("meta", 60, 3, 8, 0, 5),
    Metric("srt.relay", 5, 1, 8, 4, 14, streaming=True),
    Metric("stream.session", 10, 1, 1, 1, 1),
    Metric("stream.events", 5, 1, 0, 0, 0),
    Metric("stream.links", 10, 1, 9, 6, 3, streaming=True),
    Metric("stream.health", 30, 1, 10, 3, 0, streaming=True),
    Metric("encoder", 30, 1, 6, 6, 2, 1, streaming=True),
    Metric("hdmi.input", 30, 1, 0, 5, 1, 2),
    Metric("modem", 30, 2, 6, 4, 4, 3),
)
SCHEDULES = {"specification": SPECIFICATION, "shipped": SHIPPED}


class Source:
    """The numbers of one metric."""

    def __init__(self, metric: Metric, seed: int) -> None:
        self.metric = metric
        self._rng = random.Random(seed)
        self._steady = [float(self._rng.randrange(100)) for _ in range(metric.steady)]
        self._counters = [self._rng.randrange(10**6, 10**9) for _ in range(metric.counters)]

    def restart(self) -> None:
        """The box did, and its counters with it."""
        self._counters = [self._rng.randrange(1000) for _ in self._counters]

    def samples(self) -> list[Sample]:
        rng, name = self._rng, self.metric.name
        for at in range(len(self._steady)):
            if not rng.randrange(50):
                self._steady[at] = float(rng.randrange(100))
        self._counters = [count + rng.randrange(50_000) for count in self._counters]
        return [
            *[Sample(f"{name}.{at}", round(rng.uniform(0, 100), 2)) for at in range(self.metric.gauges)],
            *[Sample(f"{name}.steady{at}", value) for at, value in enumerate(self._steady)],
            *[Sample(f"{name}.{at}_total", count) for at, count in enumerate(self._counters)],
            *[Sample(f"{name}.text{at}", "of some length") for at in range(self.metric.texts)],
        ]
