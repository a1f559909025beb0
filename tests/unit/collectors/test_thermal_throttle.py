from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import thermal_throttle
from belabox_metrics.errors import NoData, SourceProblem

Values = Callable[..., dict[str, object]]


def devices(*found: tuple[str, str, str]) -> dict[str, str]:
    """Files of cooling devices: (type, state, most)."""
    files = {}
    for number, texts in enumerate(found):
        for name, text in zip(("type", "cur_state", "max_state"), texts):
            files[f"{thermal_throttle.PATH}/cooling_device{number}/{name}"] = text + "\n"
    return files


def label(device: str) -> str:
    return f"thermal.throttle_percent{{device={device}}}"


@pytest.mark.parametrize(
    ("box", "throttled", "percents"),
    [
        ("orangepi5plus", 0, {"thermal-cpufreq-0": 0, "thermal-cpufreq-1": 0, "thermal-devfreq-0": 0}),
        ("orangepi5plus-6.1", 1, {"cpufreq-cpu0": 0, "cpufreq-cpu4": 27.27, "devfreq-fb000000.gpu": 0}),
        ("rk3588-mainline", 1, {"cpufreq-cpu0": 0, "cpufreq-cpu4": 33.33, "cpufreq-cpu6": 16.67}),
    ],
)
def test_boxes(values: Values, fixtures: Path, box: str, throttled: int, percents: dict[str, float]) -> None:
    found = values(thermal_throttle, str(fixtures / box))
    assert found["thermal.throttled"] == throttled
    assert {device: found[label(device)] for device in percents} == percents
    assert not [name for name in found if "fan" in name]


def test_devices_of_one_type_are_told_apart(values: Values) -> None:
    found = values(thermal_throttle, devices(("Processor", "0", "10"), ("Fan", "1", "1"), ("Processor", "5", "10")))
    assert found == {"thermal.throttled": 1, label("Processor"): 0, label("Processor-2"): 50}


@pytest.mark.parametrize(
    ("state", "most"), [("-1", "10"), ("11", "10"), ("x", "10"), ("", "10"), ("5", "0"), ("5", "-3"), ("0", "x")]
)
def test_a_state_that_cannot_be_is_left_out(values: Values, state: str, most: str) -> None:
    found = values(thermal_throttle, devices(("cpufreq-cpu0", "2", "4"), ("cpufreq-cpu4", state, most)))
    assert found == {"thermal.throttled": 1, label("cpufreq-cpu0"): 50}


@pytest.mark.parametrize("found", [[], [("pwm-fan", "1", "4")], [("intel_powerclamp", "-1", "50")]])
def test_nothing_that_slows_down_is_no_data(values: Values, found: list[tuple[str, str, str]]) -> None:
    with pytest.raises(NoData, match="no device that cools by slowing down"):
        values(thermal_throttle, devices(*found))


def test_only_nonsense_is_a_failure(values: Values) -> None:
    with pytest.raises(SourceProblem, match="state 9 of 4 can't be true"):
        values(thermal_throttle, devices(("cpufreq-cpu0", "9", "4")))
