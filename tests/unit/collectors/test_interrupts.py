from __future__ import annotations

import pytest

from belabox_metrics import interrupts
from belabox_metrics.errors import NoData, SourceProblem

HEAD = "           CPU0       CPU1\n"


def test_a_box(box: str) -> None:
    assert interrupts.counted(box, "rkvenc-core") == {"fdbd0000.rkvenc-core": 184211, "fdbe0000.rkvenc-core": 90417}
    assert interrupts.counted(box, "hdmirx") == {"rk_hdmirx-hdmi": 37, "rk_hdmirx-dma": 549600, "rk_hdmirx-5v": 3}
    assert interrupts.counted(box, "nvme") == {}


def test_a_machine_without() -> None:
    with pytest.raises(NoData):
        interrupts.counted("/nonexistent", "x")


def test_two_rows_of_one_device_are_added() -> None:
    assert interrupts.parse(f"{HEAD} 1:  1  2 GIC 5 Level a-x\n 2: 10 20 GIC 6 Level a-x\n", "a-x") == {"a-x": 33}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("CPU0\n 1: 5 x-a", "middle of a line"),
        ("nothing\n", "does not begin with the cores"),
        (f"{HEAD} 1: 5 -1 GIC x-a\n", "not an unsigned number"),
        (f"{HEAD} 1: 5 99999999999999999999999 GIC x-a\n", "not an unsigned number"),
    ],
)
def test_what_is_no_such_table(text: str, says: str) -> None:
    with pytest.raises(SourceProblem, match=says):
        interrupts.parse(text, "x-a")


@pytest.mark.parametrize("row", ["ERR: 0", " 1: x-a", "x-a", " 1: 5 6", " 1: 5 6 GIC x-a other"])
def test_rows_that_are_of_no_device_or_another(row: str) -> None:
    assert interrupts.parse(f"{HEAD}{row}\n", "x-a") == {}
