"""The reckoning finds what is missing, wrong, or there twice without a reason."""

from __future__ import annotations

from typing import Any

import pytest

from .account import Account, Post, Trouble, balance, posts_of, sample_of
from .begun import first_packet

Rows = list[dict[str, Any]]


def stored(*stamps: int) -> Rows:
    row = {"metric_name": "cpu.usage", "tags": '{"core":"0"}', "device_id": "box", "metric_value": 5.0}
    return [{**row, "timestamp_ms": at} for at in stamps]


def exported(*stamps: int, value: float = 5.0) -> Rows:
    metric = {"__name__": "cpu_usage", "core": "0", "device_id": "box"}
    return [{"metric": metric, "values": [value] * len(stamps), "timestamps": list(stamps)}]


def post(at: float, key: str, *stamps: int, cut: bool = False, took: float = 3) -> Post:
    return Post(at - took, at, key, cut, frozenset(map(sample_of, stored(*stamps))))


def trouble(at: float, what: str, until: float = 0) -> Trouble:
    return Trouble(at, until or at, what)


def test_all_is_well_where_each_sample_is_there_once() -> None:
    assert balance(stored(1, 2), exported(1, 2), [post(10, "a", 1, 2)], []) == Account(2, 2, 0, 0, 0, {}, [])


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (balance(stored(1, 2), exported(1), [], []), "missing"),
        (balance(stored(1), exported(1, 2), [], []), "foreign"),
        (balance(stored(1), exported(1, value=5.1), [], []), "differing"),
        (balance(stored(1, 1), exported(1), [], []), "of another"),
    ],
    ids=["missing", "foreign", "differing", "one-for-two"],
)
def test_what_must_not_be_is_told(found: Account, word: str) -> None:
    (fault,) = found.faults
    assert word in fault


@pytest.mark.parametrize(
    ("posts", "troubles", "cause"),
    [
        ([post(10, "a", 1, cut=True), post(20, "a", 1)], [], "the answer was cut"),
        ([post(10, "a", 1), post(20, "a", 1)], [trouble(15, "killed")], "killed"),
        # Given up before it came.
        ([post(10, "a", 1), post(20, "a", 1)], [trouble(8, "too slow")], "too slow"),
        ([post(20, "a", 1), post(21, "a", 1, took=14)], [trouble(15, "too slow")], "too slow"),
        ([post(10, "a", 1), post(20, "a", 1)], [trouble(6, "too slow")], "unexplained"),
        ([post(10, "a-0-0-2", 1, 2), post(20, "a-0-0-1", 1)], [trouble(15, "killed")], "killed"),
        ([post(10, "a", 1), post(20, "a", 1)], [], "unexplained"),
        ([post(10, "a", 1), post(20, "a", 1)], [trouble(25, "killed")], "unexplained"),
        # Begun by hand before it, and failed after it.
        ([post(10, "a", 1), post(20, "a", 1)], [trouble(6, "by hand", until=15)], "by hand"),
        ([post(10, "a", 1), post(20, "a", 1)], [trouble(18, "by hand", until=25)], "unexplained"),
        # Another key: the box did not know that it had sent it.
        ([post(10, "a", 1), post(20, "b", 1)], [trouble(15, "killed")], "unexplained"),
        ([post(10, "a", 1), post(20, "a", 1, 2)], [trouble(15, "killed")], "unexplained"),
    ],
    ids=[
        "cut",
        "killed",
        "late",
        "later-than-the-second",
        "before",
        "halved",
        "nothing-happened",
        "happened-later",
        "while-one-was-at-work",
        "while-one-was-at-work-later",
        "another-key",
        "other-bytes",
    ],
)
def test_a_copy_needs_a_reason(posts: list[Post], troubles: list[Trouble], cause: str) -> None:
    found = balance(stored(1, 2), exported(1, 1, 2), posts, troubles)
    assert found.copies == {cause: 1}
    assert bool(found.faults) == (cause == "unexplained")


def test_a_copy_that_was_accepted_but_is_not_there_is_told_too() -> None:
    posts = [post(10, "a", 1, cut=True), post(20, "a", 1), post(30, "a", 1)]
    found = balance(stored(1), exported(1, 1), posts, [trouble(25, "killed")])
    assert found.copies["unexplained"] == 1


REQUEST = {
    "began": 30.0,
    "at": 31.0,
    "peer": 4711,
    "status": 204,
    "key": "a",
    "cut": False,
    "encoding": "",
    "body": "",
}


def packet(at: float, port: int = 4711, sequence: int = 1) -> dict[str, Any]:
    return {"at": at, "port": port, "sequence": sequence}


@pytest.mark.parametrize(
    ("packets", "began"),
    [
        (None, 30),
        ([packet(29)], 29),
        # Nobody answered at first.
        ([packet(22), packet(23), packet(25)], 22),
        ([packet(22), packet(23, port=4712), packet(25)], 22),
        # The port was another connection's before, and is again later.
        ([packet(5, sequence=7), packet(22), packet(40, sequence=9)], 22),
    ],
    ids=["not-watched", "once", "repeated", "beside-another", "port-again"],
)
def test_a_connection_began_when_the_box_asked_for_it(packets: list[dict[str, Any]] | None, began: float) -> None:
    assert [found.began for found in posts_of([REQUEST], packets)] == [began]


def test_a_connection_that_nobody_saw_begin_is_no_guess() -> None:
    with pytest.raises(RuntimeError, match="nobody saw"):
        posts_of([REQUEST], [packet(29, port=1)])


@pytest.mark.parametrize(
    ("packed", "found"),
    [
        (
            "45 0 0 28  0 0 0 0  40 6 0 0  a 4e 0 2  a 4e 0 1  12 67 20 eb  0 0 0 5  0 0 0 0  50 2 0 0 0 0 0 0",
            (4711, 5),
        ),
        # With options of IP.
        ("46 0 0 28  0 0 0 0  40 6 0 0  a 4e 0 2  a 4e 0 1  1 1 1 1  12 67 20 eb  0 0 0 5  0 0 0 0  50 2", (4711, 5)),
        ("45 0 0 28  0 0 0 0  40 6 0 0  a 4e 0 2  a 4e 0 1  12 67 20 eb  0 0 0 5  0 0 0 0  50 12 0 0 0 0 0 0", None),
        ("45 0 0 28  0 0 0 0  40 6 0 0  a 4e 0 2  a 4e 0 1  12 67 0 50  0 0 0 5  0 0 0 0  50 2 0 0 0 0 0 0", None),
        ("45 0 0 28  0 0 0 0  40 11 0 0  a 4e 0 2  a 4e 0 1  12 67 20 eb  0 0 0 5  0 0 0 0  50 2 0 0 0 0 0 0", None),
        ("60 0 0 0  0 28 6 40  0 0 0 0", None),
    ],
    ids=["first", "options", "its-answer", "another-port", "UDP", "IPv6"],
)
def test_a_first_packet_is_known(packed: str, found: tuple[int, int] | None) -> None:
    assert first_packet(bytes(int(byte, 16) for byte in packed.split()), 8427) == found
