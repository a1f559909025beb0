from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import gpu
from belabox_metrics.errors import NoData

Values = Callable[..., dict[str, object]]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (
            "orangepi5plus",
            {"gpu.load_percent{device=fb000000.gpu}": 22, "gpu.frequency_hertz{device=fb000000.gpu}": 300_000_000},
        ),
        (
            "orangepi5plus-6.1",
            {"gpu.load_percent{device=fb000000.gpu}": 0, "gpu.frequency_hertz{device=fb000000.gpu}": 300_000_000},
        ),
        ("rk3588-mainline", {"gpu.frequency_hertz{device=fb000000.gpu-panthor}": 300_000_000}),
    ],
)
def test_boxes(values: Values, fixtures: Path, box: str, expected: dict[str, object]) -> None:
    """The memory's clock and the NPU beside it are not the GPU's."""
    assert values(gpu, str(fixtures / box)) == expected


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("0@300000000Hz", 0),
        ("100@1000000000Hz", 100),
        ("101@300000000Hz", None),
        ("22@Hz", None),
        ("@300000000Hz", None),
        ("22%", None),
        ("22@300000000", None),
        ("-1@300000000Hz", None),
        ("\uff12\uff12@300000000Hz", None),
        ("", None),
        ("9" * 400 + "@1Hz", None),
    ],
)
def test_loads(text: str, percent: int | None) -> None:
    assert gpu.parse(text) == percent


@pytest.mark.parametrize("hertz", ["0\n", "-1\n", "fast\n"])
def test_a_broken_clock_leaves_the_load(values: Values, hertz: str) -> None:
    path = f"{gpu.PATH}/fb000000.gpu/"
    assert values(gpu, {path + "load": "7@1Hz\n", path + "cur_freq": hertz}) == {
        "gpu.load_percent{device=fb000000.gpu}": 7
    }


def test_without_a_gpu_there_is_no_data(values: Values) -> None:
    with pytest.raises(NoData, match="has no GPU"):
        values(gpu, {f"{gpu.PATH}/dmc/cur_freq": "528000000\n"})
