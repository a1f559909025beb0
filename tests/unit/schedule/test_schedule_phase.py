"""Many boxes with one configuration: they neither collect nor send in step."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import gcd
from typing import TYPE_CHECKING

import pytest

from belabox_metrics.config.configuration import load
from belabox_metrics.schedule import phase, stagger, units
from belabox_metrics.schedule.plan import timings

if TYPE_CHECKING:
    from pathlib import Path

    from belabox_metrics.config.configuration import Configuration

CONFIG = """\
device: {id: %s}
remote: {url: 'http://x/', upload_interval: 30s}
metrics:
  - {name: stream.links, interval: 10s}
  - {name: cpu.usage, interval: 10s}
  - {name: stream.events, interval: 5s}
  - {name: disk.io, interval: 45s}
  - {name: disk.usage, interval: 5m}
"""
BOXES = 1000


def configured(tmp_path: Path, device_id: str) -> Configuration:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG % device_id)
    return load(str(path))


@pytest.mark.parametrize("names", ["box-{:03}", "belabox-{:08x}", "{}", "Rucksack {} Köln"])
@pytest.mark.parametrize("interval_ms", [5000, 30_000, 60_000])
def test_names_are_spread_evenly_over_an_interval(names: str, interval_ms: int) -> None:
    parts = 10
    found = Counter(phase.of(names.format(at)) % interval_ms * parts // interval_ms for at in range(BOXES))
    # A part is to have a hundred; chance makes it half as many again once in a hundred thousand times.
    assert set(found) == set(range(parts))
    assert max(found.values()) < 1.5 * BOXES / parts


def test_a_box_keeps_its_place_and_another_has_another(tmp_path: Path) -> None:
    one, again, other = (units.render(configured(tmp_path, name)) for name in ("box-1", "box-1", "box-2"))
    assert one == again
    for timer in one:
        # Maintenance is of no concern to anybody else.
        assert (one[timer] == other[timer]) is (timer == units.MAINTAIN), timer


def test_the_metrics_of_a_box_stay_as_far_apart_as_they_were(tmp_path: Path) -> None:
    for name in ("box-1", "box-2", "box-3"):
        found = timings(configured(tmp_path, name))
        placed = {timing.metric.name: timing.offset_ms for timing in found}
        intervals = {timing.metric.name: timing.metric.interval_ms for timing in found}
        alone = stagger.offsets(intervals)
        assert all(0 <= placed[metric] < intervals[metric] for metric in placed)
        for a, b in combinations(placed, 2):
            beat = gcd(intervals[a], intervals[b])
            assert stagger.distance(placed[a], placed[b], beat) == stagger.distance(alone[a], alone[b], beat)


def test_boxes_that_get_their_power_together_first_send_within_an_interval_of_each_other(tmp_path: Path) -> None:
    starts = []
    for at in range(40):
        text = units.render(configured(tmp_path, f"box-{at}"))[units.UPLOAD]
        (spelled,) = [line.partition("=")[2] for line in text.splitlines() if line.startswith("OnBootSec=")]
        starts.append(float(spelled[:-2]) / 1000 if spelled.endswith("ms") else float(spelled[:-1]))
    assert min(starts) >= 45
    assert max(starts) < 45 + 30
    assert max(Counter(int(start) for start in starts).values()) <= 5
