"""The reckoning finds what is missing, wrong, or there twice without a reason."""

from __future__ import annotations

from typing import Any

import pytest

from .account import Account, Post, Trouble, balance, sample_of

Rows = list[dict[str, Any]]


def stored(*stamps: int) -> Rows:
    row = {"metric_name": "cpu.usage", "tags": '{"core":"0"}', "device_id": "box", "metric_value": 5.0}
    return [{**row, "timestamp_ms": at} for at in stamps]


def exported(*stamps: int, value: float = 5.0) -> Rows:
    metric = {"__name__": "cpu_usage", "core": "0", "device_id": "box"}
    return [{"metric": metric, "values": [value] * len(stamps), "timestamps": list(stamps)}]


def post(at: float, key: str, *stamps: int, cut: bool = False, took: float = 3) -> Post:
    return Post(at - took, at, key, cut, frozenset(map(sample_of, stored(*stamps))))


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
        ([post(10, "a", 1), post(20, "a", 1)], [Trouble(15, "killed")], "killed"),
        # Given up before it came.
        ([post(10, "a", 1), post(20, "a", 1)], [Trouble(8, "too slow")], "too slow"),
        ([post(20, "a", 1), post(21, "a", 1, took=14)], [Trouble(15, "too slow")], "too slow"),
        ([post(10, "a", 1), post(20, "a", 1)], [Trouble(6, "too slow")], "unexplained"),
        ([post(10, "a-0-0-2", 1, 2), post(20, "a-0-0-1", 1)], [Trouble(15, "killed")], "killed"),
        ([post(10, "a", 1), post(20, "a", 1)], [], "unexplained"),
        ([post(10, "a", 1), post(20, "a", 1)], [Trouble(25, "killed")], "unexplained"),
        # Another key: the box did not know that it had sent it.
        ([post(10, "a", 1), post(20, "b", 1)], [Trouble(15, "killed")], "unexplained"),
        ([post(10, "a", 1), post(20, "a", 1, 2)], [Trouble(15, "killed")], "unexplained"),
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
    found = balance(stored(1), exported(1, 1), posts, [Trouble(25, "killed")])
    assert found.copies["unexplained"] == 1
