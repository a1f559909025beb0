from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import power
from belabox_metrics.errors import NoData

Values = Callable[..., dict[str, object]]


def files(folder: str, **texts: str) -> dict[str, str]:
    return {f"{folder}/{name}": text + "\n" for name, text in texts.items()}


def test_an_orange_pi_is_not_said_to_draw_nothing(values: Values, box: str) -> None:
    """Its only sensor says 0 V and 0 A: neither is published, nor that it is on."""
    with pytest.raises(NoData, match="none that measures"):
        values(power, box)


def test_a_raspberry_pi(values: Values, fixtures: Path) -> None:
    assert values(power, str(fixtures / "raspberrypi5")) == {"power.undervoltage": 0}


def test_a_battery_that_discharges_and_one_that_does_not(values: Values, fixtures: Path) -> None:
    assert values(power, str(fixtures / "pc")) == {
        "power.online{supply=AC,type=Mains}": 0,
        "power.online{supply=BAT0,type=Battery}": 1,
        "power.battery_percent{supply=BAT0}": 68,
        "power.battery_runtime_seconds{supply=BAT0}": 46410000 * 3600 // 15453000,
        "power.voltage_volts{supply=BAT0}": 11.558,
        "power.consumption_watts{supply=BAT0}": 15.453,
        "power.online{supply=BAT1,type=Battery}": 0,
        "power.battery_percent{supply=BAT1}": 98,
        "power.voltage_volts{supply=BAT1}": 12.729,
        "power.current_amperes{supply=BAT1}": 0.413,
    }


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            {"type": "USB", "online": "1", "voltage_now": "5000000", "current_now": "0"},
            {"online": 1, "voltage": 5, "current": 0},
        ),
        ({"type": "USB", "online": "1", "voltage_now": "0", "current_now": "0"}, {}),
        ({"type": "USB", "online": "1", "voltage_now": "0", "current_now": "500000"}, {}),
        ({"type": "Mains", "online": "1"}, {"online": 1}),
        ({"type": "Mains", "online": "yes"}, {}),
        ({"type": "Battery", "scope": "Device", "capacity": "50", "status": "Discharging"}, {}),
        ({"type": "Battery", "present": "0", "capacity": "0", "status": "Unknown"}, {}),
        ({"type": "Battery", "present": "1", "capacity": "50", "status": "Unknown"}, {"percent": 50}),
        ({"type": "Battery", "capacity": "101", "status": "Full"}, {"online": 0}),
        (
            {"type": "Battery", "status": "Discharging", "time_to_empty_now": "600", "power_now": "1"},
            {"online": 1, "runtime": 600, "watts": 1e-6},
        ),
        ({"type": "Battery", "status": "Charging", "time_to_empty_now": "600"}, {"online": 0}),
        (
            {"type": "Battery", "status": "Discharging", "energy_now": "5000", "power_now": "0"},
            {"online": 1, "watts": 0},
        ),
        (
            {"type": "Battery", "status": "Discharging", "charge_now": "2000", "current_now": "-1000"},
            {"online": 1, "runtime": 7200, "current": -0.001},
        ),
        ({}, {}),
    ],
)
def test_supplies(values: Values, texts: dict[str, str], expected: dict[str, float]) -> None:
    kind = texts.get("type", "Unknown")
    names = {
        "online": f"power.online{{supply=x,type={kind}}}",
        "percent": "power.battery_percent{supply=x}",
        "runtime": "power.battery_runtime_seconds{supply=x}",
        "voltage": "power.voltage_volts{supply=x}",
        "current": "power.current_amperes{supply=x}",
        "watts": "power.consumption_watts{supply=x}",
    }
    other = files(f"{power.SUPPLIES}/other", type="Mains", online="1")
    found = values(power, {**files(f"{power.SUPPLIES}/x", **texts), **other})
    assert found.pop("power.online{supply=other,type=Mains}") == 1
    assert found == {names[name]: value for name, value in expected.items()}


def test_chips_that_measure_a_supply_and_others_that_do_not(values: Values) -> None:
    found = values(
        power,
        {
            **files(
                f"{power.HWMON}/hwmon1", name="ina226", in1_input="5056", curr1_input="812", power1_input="4100000"
            ),
            **files(f"{power.HWMON}/hwmon2", name="ina3221", in1_input="12000", in2_input="0", curr2_input="0"),
            **files(f"{power.HWMON}/hwmon3", name="nct6775", in1_input="1000"),
            **files(f"{power.HWMON}/hwmon4", name="tcpm_source_psy_6_0022", in0_input="0", curr1_input="0"),
            **files(f"{power.HWMON}/hwmon5", name="rpi_volt", in0_lcrit_alarm="1"),
        },
    )
    assert found == {
        "power.voltage_volts{supply=ina226/1}": 5.056,
        "power.current_amperes{supply=ina226/1}": 0.812,
        "power.consumption_watts{supply=ina226/1}": 4.1,
        "power.voltage_volts{supply=ina3221/1}": 12,
        "power.undervoltage": 1,
    }
