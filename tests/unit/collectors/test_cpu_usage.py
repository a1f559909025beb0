from __future__ import annotations

from typing import Callable

import pytest

from belabox_metrics.collectors import cpu_usage
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading, World

LINE = "cpu0 100 0 50 800 50 0 0 0 0 0\n"


def percents(reading: Reading) -> dict[str, object]:
    assert {sample.name for sample in reading.samples} <= {"cpu.usage_percent"}
    return {sample.tags["core"]: sample.value for sample in reading.samples}


def between(put: Callable[[str, str], str], before: str, now: str) -> Reading:
    first = cpu_usage.collect(World(put("/proc/stat", before)))
    return cpu_usage.collect(World(put("/proc/stat", now), state=first.state, elapsed_ms=10_000))


def test_the_first_run_has_no_value_but_leaves_a_state(box: str) -> None:
    reading = cpu_usage.collect(World(box))
    assert reading.samples == []
    assert reading.state.startswith("cpu0 61204 112 28411 262318 1803 0 7400 0\ncpu1 58120 98 ")
    assert len(reading.state) < 600


def test_ten_seconds_of_a_box(box: str, later: str) -> None:
    first = cpu_usage.collect(World(box))
    reading = cpu_usage.collect(World(later, state=first.state, elapsed_ms=10_000))
    assert percents(reading) == {
        "cpu0": 25.0,
        "cpu1": 12.5,
        "cpu2": 10.0,
        "cpu3": 9.2,
        "cpu4": 100.0,
        "cpu5": 35.0,
        "cpu6": 3.3,
        "cpu7": 0.0,
        "all": 24.38,
    }
    assert reading.samples[0] == Sample("cpu.usage_percent", 25.0, {"core": "cpu0"})
    assert reading.warnings == []


def test_the_kernels_own_sum_is_not_published(fixtures: object) -> None:
    root = f"{fixtures}/kernel-6.18-x86"
    cores = cpu_usage.parse(cpu_usage.read(World(root)))
    assert list(cores) == ["cpu0", "cpu1"]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 0], [10, 20, 30, 400, 500, 10, 20, 10], (100, 1000)),
        # guest time is inside user: an 8-field reading says all there is
        ([5, 0, 0, 5, 0, 0, 0, 0], [10, 0, 0, 10, 0, 0, 0, 0], (5, 10)),
        # iowait back by 50 because idle took it over: 200 ticks went by, half of them busy
        ([0, 0, 0, 1000, 500, 0, 0, 0], [100, 0, 0, 1150, 450, 0, 0, 0], (100, 200)),
        ([7, 7, 7, 7, 7, 7, 7, 7], [7, 7, 7, 7, 7, 7, 7, 7], (0, 0)),
        # a tick taken back is noise
        ([100, 0, 0, 100, 0, 0, 0, 0], [99, 0, 10, 190, 0, 0, 0, 0], (10, 100)),
        ([100, 0, 0, 100, 0, 0, 0, 0], [200, 0, 0, 98, 0, 0, 0, 0], (100, 100)),
        # a core that was offline starts again
        ([5000, 0, 0, 9000, 0, 0, 0, 0], [5010, 0, 0, 20, 0, 0, 0, 0], None),
        ([5000, 0, 0, 9000, 0, 0, 0, 0], [3, 0, 0, 9990, 0, 0, 0, 0], None),
    ],
)
def test_time_between_two_readings(before: list[int], now: list[int], expected: object) -> None:
    assert cpu_usage.spent(before, now) == expected


def test_a_new_core_waits_and_a_vanished_one_is_dropped(put: Callable[[str, str], str]) -> None:
    reading = between(
        put,
        "cpu0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\n",
        "cpu0 50 0 0 50 0 0 0 0\ncpu2 9 9 9 9 9 9 9 9\n",
    )
    assert percents(reading) == {"cpu0": 50.0, "all": 50.0}
    assert reading.state == "cpu0 50 0 0 50 0 0 0 0\ncpu2 9 9 9 9 9 9 9 9\n"


def test_a_core_that_went_back_has_no_value_and_stays_out_of_the_sum(put: Callable[[str, str], str]) -> None:
    reading = between(
        put,
        "cpu0 0 0 0 0 0 0 0 0\ncpu1 900 0 0 900 0 0 0 0\n",
        "cpu0 25 0 0 75 0 0 0 0\ncpu1 5 0 0 5 0 0 0 0\n",
    )
    assert percents(reading) == {"cpu0": 25.0, "all": 25.0}
    assert reading.warnings == ["cpu1: counters went back, no value this time"]


def test_no_time_no_value(put: Callable[[str, str], str]) -> None:
    assert between(put, LINE, LINE).samples == []


@pytest.mark.parametrize("state", ["nonsense", "cpu0 1 2\n", "cpu0 a b c d e f g h\n", "cpu0 1 0 0 1"])
def test_a_state_of_another_version_is_no_state(put: Callable[[str, str], str], state: str) -> None:
    assert cpu_usage.collect(World(put("/proc/stat", LINE), state=state)).samples == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"intr 1 2 3\n", "has no line of a core"),
        (b"cpu  1 2 3 4 5 6 7 8 9 10\n", "has no line of a core"),
        (b"cpu0 1 2 3 4 5 6 7 8 9 1", "ends in the middle of a line"),
        (b"cpu0 1 2 3\n", ":1: cpu0 has 3 of 8 fields"),
        (b"cpu0 1 2 3 -4 5 6 7 8\n", ":1: idle is '-4', not an unsigned number"),
        (b"cpu0 1 2 3 4 5 6 7 8\ncpu1 1 x 3 4 5 6 7 8\n", ":2: nice is 'x', not an unsigned number"),
        (b"cpu0 1_0 2 3 4 5 6 7 8\n", ":1: user is '1_0', not an unsigned number"),
        (b"cpu0 +1 2 3 4 5 6 7 8\n", ":1: user is '+1', not an unsigned number"),
        ("cpu0 \uff11 2 3 4 5 6 7 8\n".encode(), ":1: user is '\\uff11', not an unsigned number"),
        (b"cpu0 \xff 2 3 4 5 6 7 8\n", ":1: user is '\\\\xff', not an unsigned number"),
        (b"cpu0 " + b"9" * 400 + b" 2 3 4 5 6 7 8\n", f":1: user is '{'9' * 40}'…, not an unsigned number"),
        (b"cpu0 18446744073709551616 2 3 4 5 6 7 8\n", "not an unsigned number"),
    ],
)
def test_bad_input_is_one_clear_line(put: Callable[[str, bytes], str], content: bytes, says: str) -> None:
    root = put("/proc/stat", content)
    with pytest.raises(SourceProblem) as caught:
        cpu_usage.collect(World(root))
    assert str(caught.value).startswith(f"{root}/proc/stat")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_is_no_data(tmp_path: object) -> None:
    with pytest.raises(NoData, match="/proc/stat does not exist"):
        cpu_usage.collect(World(str(tmp_path)))
