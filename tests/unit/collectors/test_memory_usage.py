from __future__ import annotations

from typing import Callable

import pytest

from belabox_metrics.collectors import memory_usage
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.world import World

SMALL = "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 400 kB\nSwapTotal: 8 kB\nSwapFree: 5 kB\n"


def values(root: str) -> dict[str, object]:
    reading = memory_usage.collect(World(root))
    assert reading.state == ""
    assert all(sample.tags == {} for sample in reading.samples)
    return {sample.name: sample.value for sample in reading.samples}


def test_a_box(box: str) -> None:
    assert values(box) == {
        "memory.used_bytes": (16201544 - 14310680) * 1024,
        "memory.available_bytes": 14310680 * 1024,
        "memory.total_bytes": 16201544 * 1024,
        "memory.swap_used_bytes": 768 * 1024,
        "memory.swap_total_bytes": 8100768 * 1024,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SMALL, {"used": 600 * 1024, "available": 400 * 1024, "swap_used": 3 * 1024}),
        ("MemTotal: 10 kB\nMemAvailable: 11 kB\n", {"used": 0, "available": 11 * 1024}),
        (SMALL.replace("SwapFree: 5", "SwapFree: 9"), {"swap_used": 0, "swap_total": 8 * 1024}),
        # padded as the kernel does, and with neighbours whose names begin alike
        ("MemTotal:       10 kB\nMemTotalX: 99 kB\nMemAvailable:        0 kB\n", {"used": 10240}),
    ],
)
def test_the_arithmetic(put: Callable[[str, str], str], text: str, expected: dict[str, int]) -> None:
    found = values(put("/proc/meminfo", text))
    for name, value in expected.items():
        assert found[f"memory.{name}_bytes"] == value


def test_without_swap_lines_there_are_no_swap_samples(put: Callable[[str, str], str]) -> None:
    found = values(put("/proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 4 kB\n"))
    assert sorted(found) == ["memory.available_bytes", "memory.total_bytes", "memory.used_bytes"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (SMALL[:-1].encode(), "ends in the middle of a line"),
        (SMALL.replace("MemTotal", "MemSum").encode(), "MemTotal is missing"),
        (SMALL.replace("MemAvailable", "MemFree").encode(), "MemAvailable is missing"),
        (b"MemTotal: -5 kB\n", ":1: MemTotal is '-5', not an unsigned number"),
        (b"MemTotal: 5\n", ":1: MemTotal is '5', not a number of kB"),
        (b"MemTotal: 5 MB\n", ":1: MemTotal is '5 MB', not a number of kB"),
        (b"MemTotal: kB\n", "not a number of kB"),
        (b"MemTotal:\n", "not a number of kB"),
        (b"MemTotal: \xff\xfe kB\n", "not an unsigned number"),
        (b"MemTotal: " + b"1" * 400 + b" kB\n", "not an unsigned number"),
        (b"\x00" * 64 + b"\n", "MemTotal is missing"),
    ],
)
def test_bad_input_is_one_clear_line(put: Callable[[str, bytes], str], content: bytes, says: str) -> None:
    root = put("/proc/meminfo", content)
    with pytest.raises(SourceProblem) as caught:
        memory_usage.collect(World(root))
    assert str(caught.value).startswith(f"{root}/proc/meminfo")
    assert says in str(caught.value)


def test_no_file_is_no_data(tmp_path: object) -> None:
    with pytest.raises(NoData):
        memory_usage.collect(World(str(tmp_path)))
