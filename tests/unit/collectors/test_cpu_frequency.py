from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import cpu_frequency
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.world import World

Values = Callable[..., dict[str, object]]
POLICY = cpu_frequency.PATH + "/policy0/"


def test_a_box(values: Values, box: str) -> None:
    """The third pair of cores is held below what it can do."""
    found = values(cpu_frequency, box)
    assert [found[f"cpu.frequency_hertz{{policy=policy{n}}}"] for n in (0, 4, 6)] == [1.8e9, 1.2e9, 2.016e9]
    assert [found[f"cpu.frequency_limit_hertz{{policy=policy{n}}}"] for n in (0, 4, 6)] == [1.8e9, 2.304e9, 2.016e9]
    assert [found[f"cpu.frequency_max_hertz{{policy=policy{n}}}"] for n in (0, 4, 6)] == [1.8e9, 2.304e9, 2.352e9]
    assert len(found) == 9


@pytest.mark.parametrize("text", ["0\n", "-5\n", "<unknown>\n", ""])
def test_a_clock_that_is_not_known_is_left_out(values: Values, text: str) -> None:
    files = {POLICY + "scaling_cur_freq": text, POLICY + "cpuinfo_max_freq": "2400000\n"}
    assert values(cpu_frequency, files) == {"cpu.frequency_max_hertz{policy=policy0}": 2_400_000_000}


def test_without_scaling_there_is_no_data(values: Values, tmp_path: Path) -> None:
    with pytest.raises(NoData, match="cpufreq has no frequency"):
        values(cpu_frequency, {})
    (tmp_path / "sys/devices/system/cpu/cpufreq/policy0").mkdir(parents=True)
    with pytest.raises(NoData):
        values(cpu_frequency, {})


def test_nothing_but_nonsense_is_a_failure(put: Callable[[str, str], str]) -> None:
    with pytest.raises(SourceProblem, match="scaling_cur_freq: 'fast' is not a number"):
        cpu_frequency.collect(World(put(POLICY + "scaling_cur_freq", "fast")))
