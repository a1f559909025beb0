"""One broken file of many: the others count, a person hears of it once."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics import attributes
from belabox_metrics.attributes import Attributes, distinct
from belabox_metrics.errors import NoData, SourceProblem
from belabox_metrics.sample import Sample
from belabox_metrics.source import Unreadable
from belabox_metrics.world import World

Put = Callable[[str, str], str]
SAMPLES = [Sample("one", 1)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("5\n", 5), ("-5\n", -5), ("0", 0), (" 7 \n", 7), ("9" * 18, int("9" * 18))],
)
def test_a_number(put: Put, text: str, number: int) -> None:
    files = Attributes(World(put("/sys/value", text)))
    assert files.number("/sys/value") == number
    assert files.reading(SAMPLES, "").warnings == []


@pytest.mark.parametrize("text", ["", "x", "--5", "1.5", "+5", "0x10", "1_000", "\uff11", "9" * 19, "<unknown>", "5 6"])
def test_no_number_is_told_once(put: Put, text: str) -> None:
    world = World(put("/sys/value", text))
    files = Attributes(world)
    assert files.number("/sys/value") is None
    first = files.reading(SAMPLES, "")
    assert len(first.warnings) == 1
    assert first.warnings[0].startswith(f"left out: {world.root}/sys/value: ")
    world.state = first.state
    again = Attributes(world)
    again.number("/sys/value")
    assert again.reading(SAMPLES, "").warnings == []
    put("/sys/value", "5")
    mended = Attributes(world)
    mended.number("/sys/value")
    assert mended.reading(SAMPLES, "").state == ""


def test_nothing_there_and_nothing_right_are_two_things(put: Put, tmp_path: Path) -> None:
    files = Attributes(World(str(tmp_path)))
    assert files.number("/sys/value") is None
    with pytest.raises(NoData, match="no such thing"):
        files.reading([], "no such thing")
    files = Attributes(World(put("/sys/value", "x")))
    files.number("/sys/value")
    with pytest.raises(SourceProblem, match="'x' is not a number"):
        files.reading([], "no such thing")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EAGAIN, errno.ENODATA, errno.EBUSY])
def test_a_sensor_that_is_off_is_passed_over_in_silence(put: Put, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """No file of a folder can answer like one, so the read is made to."""

    def read_text(root: str, path: str, limit: int = 0) -> str:
        raise Unreadable(OSError(code, "off"), root + path)

    monkeypatch.setattr(attributes, "read_text", read_text)
    files = Attributes(World(put("/sys/value", "5")))
    assert files.number("/sys/value") is None
    assert files.reading(SAMPLES, "").warnings == []


def test_entries_are_in_the_order_of_their_numbers(put: Put) -> None:
    for name in ("hwmon10", "hwmon9", "hwmon", "hwmonx", "hwmon1x", "other1", "hwmon\uff11"):
        root = put(f"/sys/{name}/name", "x")
    files = Attributes(World(root))
    assert files.entries("/sys", "hwmon") == ["hwmon9", "hwmon10"]
    assert files.entries("/nowhere", "hwmon") == []


def test_ten_thousand_broken_files_are_a_short_story(put: Put) -> None:
    for number in range(400):
        root = put(f"/sys/d{number}/value", "x")
    files = Attributes(World(root))
    for name in files.entries("/sys", "d"):
        files.number(f"/sys/{name}/value")
    reading = files.reading(SAMPLES, "")
    assert len(reading.warnings) <= 16
    assert len(reading.state) < 1000


def test_two_of_a_name_are_told_apart() -> None:
    taken: dict[str, str] = {}
    for name in ("a", "a-2", "a", "a", "b"):
        taken[distinct(name, taken)] = ""
    assert list(taken) == ["a", "a-2", "a-3", "a-4", "b"]
