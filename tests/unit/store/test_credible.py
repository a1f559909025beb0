"""What can't be in the tables of the queue: whoever sends, deletes or brings over by them does not believe it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from belabox_metrics.errors import Damaged
from belabox_metrics.sample import Sample
from belabox_metrics.store import backlog, damage, flights, queue
from belabox_metrics.store.credible import must_be_credible
from belabox_metrics.store.flights import Flight
from belabox_metrics.store.sqlite import connect
from belabox_metrics.store.wreck import View

from .conftest import Box


@pytest.fixture
def behind(box: Box) -> Box:
    """Ten runs: three were sent, three wait in the backlog, the first of these in a chunk, and four behind both."""
    for at in range(10):
        box.run(Sample("n.value", at))
        box.step(1000)
    ids = [number for (number,) in box.store.connection().execute("SELECT id FROM runs ORDER BY id")]
    with box.store.writing() as connection:
        backlog.add(connection, 2, ids[2], ids[5])
        queue.advance(connection, 2, ids[5])
        flights.claim(connection, Flight("batch", 0, 2, 1, (ids[2], ids[3]), ids[3], (0, 1), {}, b"body"))
    must_be_credible(box.store.connection())
    return box


@pytest.mark.parametrize(
    "change",
    [
        "backlog SET priority = priority + 4",
        "backlog SET upto_run = after_run",
        "flights SET priority = priority + 4",
        "flights SET priority = -1",
        "flights SET after_run = last_run",
        "flights SET start = start + 4",
        "flights SET start = -1",
        "flights SET last_run = last_run + (1 << 30)",
        "positions SET priority = 4 WHERE priority = 2",
    ],
)
def test_it_is_damage_to_all_who_ask(behind: Box, change: str) -> None:
    assert damage.found(behind.store.path) == ""
    with behind.store.writing() as connection:
        connection.execute(f"UPDATE {change}")
    with pytest.raises(Damaged):
        must_be_credible(behind.store.connection())
    assert damage.found(behind.store.path) != ""


@pytest.mark.parametrize("change", ["priority = priority + 4", "priority = -1", "upto_run = after_run"])
def test_nothing_of_a_wreck_is_taken_for_sent_by_a_backlog_that_cannot_be(behind: Box, change: str) -> None:
    ids = [int(str(number)) for (number,) in behind.sql("SELECT id FROM runs ORDER BY id")]

    def sent() -> list[bool]:
        view = View(behind.store.path, with_log=True)
        try:
            return [view.is_sent(2, number) for number in ids]
        finally:
            view.close()

    assert sent() == [True] * 3 + [False] * 7
    with behind.store.writing() as connection:
        connection.execute(f"UPDATE backlog SET {change}")
    assert sent() == [False] * 10


def test_a_shape_that_is_forgotten_meanwhile_is_no_damage(behind: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks may do so without the lock, while the hourly job is at work."""
    path = behind.store.path
    forgotten: list[str] = []

    def forget(statement: str) -> None:
        if "FROM shapes WHERE id" in statement and not forgotten:
            forgotten.append(statement)
            with behind.store.writing() as connection:
                connection.execute("DELETE FROM series")
                connection.execute("DELETE FROM shapes")

    def watched(*words: str, **options: Any) -> sqlite3.Connection:
        connection = connect(*words, **options)
        connection.set_trace_callback(forget)
        return connection

    monkeypatch.setattr(damage, "connect", watched)
    assert (damage.found(path), len(forgotten)) == ("", 1)
