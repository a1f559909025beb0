from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.collectors import io_wait
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample
from belabox_metrics.world import World

Put = Callable[[str, str], str]


def test_a_box(fixtures: Path) -> None:
    first = io_wait.collect(World(str(fixtures / "kernel-6.18-x86")))
    assert (first.samples, first.state) == ([], "2049 566788")
    later = io_wait.collect(World(str(fixtures / "kernel-6.18-x86.later"), state=first.state))
    assert later.samples == [Sample("io.wait_percent", round(100 * (9771 - 2049) / (2779139 - 566788), 2))]


def test_waiting_that_went_back_is_no_number(box: str, later: str) -> None:
    state = io_wait.collect(World(box)).state
    assert io_wait.collect(World(later, state=state)).samples == []


@pytest.mark.parametrize(
    ("state", "percent"),
    [
        ("0 0", 12.5),
        ("5 32", 0),
        ("0 35", 100),
        ("5 40", None),  # stood still
        ("6 32", None),
        ("0 39", None),  # more waiting than time
        ("0 50", None),  # another boot
        *[(state, None) for state in ("", "x", "5", "5 x", "-5 0", "5  0")],
    ],
)
def test_the_arithmetic(put: Put, state: str, percent: float | None) -> None:
    root = put("/proc/stat", "cpu  5 5 5 5 5 5 5 5 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    found = io_wait.collect(World(root, state=state)).samples
    assert found == ([] if percent is None else [Sample("io.wait_percent", percent)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("cpu 1 2 3", "ends in the middle of a line"),
        ("cpu 1 2 3\n", ":1: cpu has 3 of 8 fields"),
        ("cpu0 1 1 1 1 1 1 1 1\n", "has no line cpu"),
        ("cpu 1 1 1 1 -1 1 1 1\n", "not an unsigned number"),
        ("\n\n", "has no line cpu"),
    ],
)
def test_bad_input_is_one_clear_line(put: Put, content: str, says: str) -> None:
    root = put("/proc/stat", content)
    with pytest.raises(SourceProblem) as caught:
        io_wait.collect(World(root))
    assert str(caught.value).startswith(f"{root}/proc/stat")
    assert says in str(caught.value)


def test_no_file_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(NoData):
        io_wait.collect(World(str(tmp_path)))
