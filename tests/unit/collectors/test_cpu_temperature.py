from __future__ import annotations

import errno
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import source
from belabox_metrics.collectors import cpu_temperature
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading, World

PATH = "/sys/class/thermal"
BROKEN = [
    "",
    "\n",
    "abc\n",
    "--5\n",
    "4 5\n",
    "1_000\n",
    "\uff11\n",
    "9" * 400,
    "251000\n",
    "-61000\n",
    "0x10\n",
    "+5\n",
]


def zones(reading: Reading) -> dict[str, object]:
    return {sample.tags["zone"]: sample.value for sample in reading.samples if sample.tags}


def test_a_box(box: str) -> None:
    reading = cpu_temperature.collect(World(box))
    assert zones(reading) == {
        "soc-thermal": 46.23,
        "bigcore0-thermal": 47.153,
        "bigcore1-thermal": 46.23,
        "littlecore-thermal": 46.23,
        "center-thermal": 45.307,
        "gpu-thermal": 45.307,
        "npu-thermal": 45.307,
    }
    assert reading.samples[1] == Sample("thermal.zone_temp", 46.23, {"zone": "soc-thermal"})
    assert reading.samples[0] == Sample("cpu.temperature", 47.153)
    assert (reading.state, reading.warnings) == ("", [])


def test_a_mainline_kernel(fixtures: Path) -> None:
    reading = cpu_temperature.collect(World(str(fixtures / "rk3588-mainline")))
    assert zones(reading)["package-thermal"] == 82.23
    assert reading.samples[0] == Sample("cpu.temperature", 86.076)


def box_of(put: Callable[[str, str], str], *pairs: tuple[str, str]) -> str:
    root = ""
    for index, (kind, temp) in enumerate(pairs):
        root = put(f"{PATH}/thermal_zone{index}/type", kind)
        put(f"{PATH}/thermal_zone{index}/temp", temp)
    return root


def test_zones_of_one_type_are_told_apart(put: Callable[[str, str], str]) -> None:
    root = box_of(put, ("acpitz\n", "1000\n"), ("acpitz-2\n", "2000\n"), ("acpitz\n", "3000\n"), ("\n", "4000\n"))
    assert zones(cpu_temperature.collect(World(root))) == {
        "acpitz": 1.0,
        "acpitz-2": 2.0,
        "acpitz-3": 3.0,
        "thermal_zone3": 4.0,
    }


def test_the_index_orders_and_nothing_more(put: Callable[[str, str], str]) -> None:
    root = box_of(put, *[(f"zone{index}", f"{index}000") for index in range(12)])
    put(f"{PATH}/thermal_zonex/temp", "99000")
    put(f"{PATH}/cooling_device0/type", "fan")
    assert list(zones(cpu_temperature.collect(World(root)))) == [f"zone{index}" for index in range(12)]


@pytest.mark.parametrize("temp", BROKEN)
def test_a_broken_zone_is_left_out_and_warned_about_once(put: Callable[[str, str], str], temp: str) -> None:
    root = box_of(put, ("soc\n", "46000\n"), ("gpu\n", temp))
    first = cpu_temperature.collect(World(root))
    assert zones(first) == {"soc": 46.0}
    assert len(first.warnings) == 1
    assert first.warnings[0].startswith(f"left out: {root}{PATH}/thermal_zone1/temp: ")
    again = cpu_temperature.collect(World(root, state=first.state))
    assert (zones(again), again.warnings) == ({"soc": 46.0}, [])
    mended = cpu_temperature.collect(World(box_of(put, ("soc\n", "46000\n"), ("gpu\n", "1\n")), state=again.state))
    assert (len(zones(mended)), mended.state) == (2, "")


def test_freezing_is_a_temperature(put: Callable[[str, str], str]) -> None:
    reading = cpu_temperature.collect(World(box_of(put, ("soc\n", "-12345\n"))))
    assert reading.samples[0] == Sample("cpu.temperature", -12.345)


def test_only_broken_zones_are_a_failure(put: Callable[[str, str], str]) -> None:
    with pytest.raises(SourceProblem, match="'garbage' is not a temperature"):
        cpu_temperature.collect(World(box_of(put, ("soc\n", "garbage\n"))))


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EAGAIN, errno.ENODATA])
def test_a_zone_that_is_off_is_passed_over_in_silence(
    put: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """No file of a folder can answer like a disabled sensor, so the read is made to."""
    root = box_of(put, ("soc\n", "46000\n"), ("gpu\n", "45000\n"))
    honest = source.read_text

    def read_text(root: str, path: str, limit: int = source.LIMIT) -> str:
        if path == f"{PATH}/thermal_zone{off}/temp":
            raise source.Unreadable(OSError(code, "off"), root + path)
        return honest(root, path, limit)

    monkeypatch.setattr(cpu_temperature, "read_text", read_text)
    off = 1
    reading = cpu_temperature.collect(World(root))
    assert (zones(reading), reading.warnings) == ({"soc": 46.0}, [])
    monkeypatch.setattr(cpu_temperature, "list_dir", lambda *_: ["thermal_zone1"])
    with pytest.raises(NoData, match="switched off"):
        cpu_temperature.collect(World(root))


def test_a_zone_without_a_temperature_is_no_zone(put: Callable[[str, str], str]) -> None:
    root = put(f"{PATH}/thermal_zone0/type", "soc\n")
    with pytest.raises(NoData):
        cpu_temperature.collect(World(root))


def test_no_thermal_class_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(NoData, match="/sys/class/thermal does not exist"):
        cpu_temperature.collect(World(str(tmp_path)))
    (tmp_path / "sys/class/thermal").mkdir(parents=True)
    with pytest.raises(NoData, match="no thermal zone"):
        cpu_temperature.collect(World(str(tmp_path)))
