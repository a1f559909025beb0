from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import source
from belabox_metrics.collectors import npu
from belabox_metrics.errors import NoData, SourceProblem

Values = Callable[..., dict[str, object]]


def test_a_box(values: Values, fixtures: Path) -> None:
    """`load` of devfreq says 0 there while two cores work."""
    assert values(npu, str(fixtures / "orangepi5plus-6.1")) == {
        "npu.load_percent{core=core0}": 0,
        "npu.load_percent{core=core1}": 12,
        "npu.load_percent{core=core2}": 47,
        "npu.frequency_hertz{device=fdab0000.npu}": 1_000_000_000,
    }


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("NPU load:  0%\n", {"core0": 0}),
        ("NPU load:  Core0:  0%, Core1: 100%,\n", {"core0": 0, "core1": 100}),
        *[
            (text, None)
            for text in (
                "",
                "\n",
                "NPU load:",
                "NPU load: 101%",
                "NPU load: x%",
                "NPU load: 5",
                "load: 5%",
                "NPU load: ,%",
            )
        ],
        ("NPU load: Core0: \uff11%", None),
    ],
)
def test_loads(text: str, cores: dict[str, int] | None) -> None:
    if cores is None:
        with pytest.raises(SourceProblem):
            npu.parse(text, "load")
    else:
        assert npu.parse(text, "load") == cores


def test_the_place_that_all_may_read_comes_first(values: Values) -> None:
    files = {npu.PLACES[0]: "NPU load:  5%\n", npu.PLACES[1]: "NPU load:  6%\n"}
    assert values(npu, files) == {"npu.load_percent{core=core0}": 5}


def test_what_is_for_root_alone_is_no_data(values: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, whom no mode of a file keeps out."""

    def read_text(root: str, path: str, limit: int = 0) -> str:
        if path == npu.PLACES[1]:
            raise source.Unreadable(PermissionError(13, os.strerror(13)), root + path)
        raise NoData("missing")

    monkeypatch.setattr(npu, "read_text", read_text)
    with pytest.raises(NoData, match="rknpu/load is for root alone"):
        values(npu, {})
    clock = {f"{npu.DEVFREQ}/fdab0000.npu/cur_freq": "1000000000\n"}
    assert values(npu, clock) == {"npu.frequency_hertz{device=fdab0000.npu}": 1_000_000_000}


def test_without_one_there_is_no_data(values: Values, box: str) -> None:
    with pytest.raises(NoData, match="no NPU"):
        values(npu, box)
