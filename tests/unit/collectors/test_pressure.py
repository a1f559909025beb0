from __future__ import annotations

import errno
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import source
from belabox_metrics.collectors import pressure
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.world import World

Put = Callable[[str, str], str]
HEAD = "avg10=0.00 avg60=0.00 avg300=0.00"


def text(some: int, full: int | None = None) -> str:
    lines = f"some {HEAD} total={some}\n"
    return lines if full is None else f"{lines}full {HEAD} total={full}\n"


def percents(root: str, state: str, elapsed_ms: int | None) -> dict[str, object]:
    return {sample.name: sample.value for sample in pressure.collect(World(root, {}, state, elapsed_ms)).samples}


def test_a_box_without_an_account_has_no_data(box: str) -> None:
    with pytest.raises(NoData, match="keeps no account of pressure"):
        pressure.collect(World(box))


def test_a_kernel_of_today(fixtures: Path) -> None:
    """From totals; the averages beside them say something else."""
    first = pressure.collect(World(str(fixtures / "kernel-6.18-x86")))
    assert first.samples == []
    found = percents(str(fixtures / "kernel-6.18-x86.later"), first.state, 10_000)
    assert found["io.pressure_some_percent"] == round((86538629 - 86439244) / 100_000, 3)
    assert found["io.pressure_full_percent"] == round((60099291 - 60049101) / 100_000, 3)
    assert found["memory.pressure_some_percent"] == 0
    assert "cpu.pressure_full_percent" not in found


@pytest.mark.parametrize(
    ("before", "now", "elapsed_ms", "percent"),
    [
        (0, 0, 10_000, 0),
        (1000, 2_501_000, 10_000, 25),
        (0, 60_000_000, 60_000, 100),
        (0, 10_050_000, 10_000, 100),  # the file is read a moment after the clock
        (5, 4, 10_000, None),
        (0, 10, None, None),
        (0, 10, 0, None),
    ],
)
def test_the_arithmetic(put: Put, before: int, now: int, elapsed_ms: int | None, percent: float | None) -> None:
    state = pressure.collect(World(put("/proc/pressure/memory", text(before)))).state
    found = percents(put("/proc/pressure/memory", text(now)), state, elapsed_ms)
    assert found == ({} if percent is None else {"memory.pressure_some_percent": percent})


@pytest.mark.parametrize("state", ["", "x", "memory.some=", "memory.some=-1", "memory.some", "=5", "a=1 b=2"])
def test_a_state_of_another_version_is_none(put: Put, state: str) -> None:
    assert percents(put("/proc/pressure/memory", text(5)), state, 1000) == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("some total=5", "ends in the middle of a line"),
        ("full avg10=0.00 total=5\n", "no line some"),
        ("some avg10=0.00\n", "no line some"),
        ("some total=-5\n", ":1: some is '-5', not an unsigned number"),
        ("some total=5 total=6\n", "no line some"),
    ],
)
def test_bad_input_is_one_clear_line(put: Put, content: str, says: str) -> None:
    root = put("/proc/pressure/io", content)
    with pytest.raises(SourceProblem) as caught:
        pressure.collect(World(root))
    assert str(caught.value).startswith(f"{root}/proc/pressure/io")
    assert says in str(caught.value)


def test_an_account_that_was_switched_off_is_no_data(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """With psi=0 the files are there and say EOPNOTSUPP, as no file of a folder can."""

    def read_text(root: str, path: str, limit: int = 0) -> str:
        raise source.Unreadable(OSError(errno.EOPNOTSUPP, "Operation not supported"), root + path)

    root = put("/proc/pressure/io", text(5))
    monkeypatch.setattr(pressure, "read_text", read_text)
    with pytest.raises(NoData):
        pressure.collect(World(root))
