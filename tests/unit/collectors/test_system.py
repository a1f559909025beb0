"""`system.load` and `system.uptime`: a line each."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

from belabox_metrics.collectors import system_load, system_uptime
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.world import World

Values = Callable[..., dict[str, object]]


def test_a_box(values: Values, box: str) -> None:
    assert values(system_load, box) == {"system.load_1m": 2.31, "system.load_5m": 2.12, "system.load_15m": 1.8}
    assert values(system_uptime, box) == {"system.uptime_seconds": 3612.48}


@pytest.mark.parametrize(
    ("collector", "content", "says"),
    [
        *[(collector, "", "is empty") for collector in (system_load, system_uptime)],
        *[(collector, "1.0 2.0 3.0", "ends in the middle") for collector in (system_load, system_uptime)],
        (system_load, "\n", "has 1 of 3 averages"),
        (system_uptime, "\n", ":1: uptime is ''"),
        (system_load, "1.0 2.0\n", "has 2 of 3 averages"),
        *[
            (system_load, f"1.0 {odd} 3.0\n", ":1: system.load_5m is ")
            for odd in ("x", "-1.0", "nan", "1e5", "1.", ".5")
        ],
        *[
            (system_uptime, f"{odd} 5.0\n", ":1: uptime is ")
            for odd in ("x", "-1.0", "inf", "\uff11", "1.2.3", "9" * 30)
        ],
    ],
)
def test_bad_input_is_one_clear_line(values: Values, collector: ModuleType, content: str, says: str) -> None:
    with pytest.raises(SourceProblem, match=says):
        values(collector, {collector.PATH: content})


def test_no_file_is_no_data(tmp_path: Path) -> None:
    for collector in (system_load, system_uptime):
        with pytest.raises(NoData):
            collector.collect(World(str(tmp_path)))
