from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import fan
from belabox_metrics.errors import NoData

Values = Callable[..., dict[str, object]]
CHIP = fan.HWMON + "/hwmon2/"
TURNS = "fan.speed_rpm{chip=pwmfan,fan=1}"


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("orangepi5plus", {"fan.level_percent{device=pwm-fan}": 20, "fan.duty_percent{chip=pwmfan,fan=1}": 27.45}),
        (
            "raspberrypi5",
            {
                "fan.level_percent{device=pwm-fan}": 25,
                "fan.duty_percent{chip=pwmfan,fan=1}": 29.41,
                TURNS: 3314,
            },
        ),
        ("pc", {"fan.level_percent{device=Fan}": 0, "fan.level_percent{device=Fan-2}": 0}),
    ],
)
def test_boxes(values: Values, fixtures: Path, box: str, expected: dict[str, object]) -> None:
    assert values(fan, str(fixtures / box)) == expected


@pytest.mark.parametrize(
    ("duty", "speed", "published"),
    [
        ("75\n", "3314\n", 3314),
        ("150\n", "0\n", None),  # the tachometer of a Raspberry Pi 5 at this duty, of a fan that turns
        ("0\n", "0\n", 0),
        ("0\n", "900\n", 900),  # still running out
        (None, "0\n", None),  # a header on a board with nothing in it
        (None, "1660\n", 1660),
        ("75\n", "-1\n", None),
        ("75\n", "99999999\n", None),
        ("75\n", "fast\n", None),
        ("256\n", "0\n", None),
    ],
)
def test_a_speed_of_nothing_is_believed_of_a_fan_that_is_off(
    values: Values, duty: str | None, speed: str, published: int | None
) -> None:
    files = {CHIP + "name": "pwmfan\n", CHIP + "fan1_input": speed, fan.COOLING + "/cooling_device0/type": "pwm-fan\n"}
    files |= {fan.COOLING + "/cooling_device0/cur_state": "1\n", fan.COOLING + "/cooling_device0/max_state": "4\n"}
    if duty is not None:
        files[CHIP + "pwm1"] = duty
    assert values(fan, files).get(TURNS) == published


def test_each_fan_of_each_chip_has_its_series(values: Values) -> None:
    files = {f"{fan.HWMON}/hwmon{chip}/name": "nct6775\n" for chip in (1, 2)}
    files |= {
        f"{fan.HWMON}/hwmon1/{name}": "100\n" for name in ("pwm1", "pwm2", "fan2_input", "pwm1_enable", "fan1_min")
    }
    files[f"{fan.HWMON}/hwmon2/fan7_input"] = "700\n"
    assert values(fan, files) == {
        "fan.duty_percent{chip=nct6775,fan=1}": 39.22,
        "fan.duty_percent{chip=nct6775,fan=2}": 39.22,
        "fan.speed_rpm{chip=nct6775,fan=2}": 100,
        "fan.speed_rpm{chip=nct6775-2,fan=7}": 700,
    }


def test_a_box_that_is_still_has_no_data(values: Values) -> None:
    with pytest.raises(NoData, match="no fan"):
        values(fan, {fan.HWMON + "/hwmon0/name": "soc_thermal\n", fan.HWMON + "/hwmon0/temp1_input": "46000\n"})
