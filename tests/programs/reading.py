"""What a collector read, by name."""

from __future__ import annotations

from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading


def numbers(reading: Reading) -> dict[str, float]:
    assert all(isinstance(sample, Sample) for sample in reading.samples)
    return {sample.name: sample.value for sample in reading.samples if isinstance(sample.value, (int, float))}
