"""One value that a card gave back otherwise: SQLite finds nothing wrong with the file, and its JSON functions fail."""

from __future__ import annotations

import sqlite3

import pytest

from belabox_metrics import clock
from belabox_metrics.errors import Damaged, StoreProblem
from belabox_metrics.event import Event
from belabox_metrics.store import events, history, recent
from belabox_metrics.store.database import Store

from .box import Box

NOT_JSON = ("[1936244736,1465#136320]", "[1,2", "", "\x00[1]")


def damage(box: Box, packed: str) -> None:
    """The values that each metric had last, and one of its past."""
    connection = sqlite3.connect(box.database)
    connection.execute(
        "UPDATE runs SET packed = ? WHERE id IN (SELECT values_run FROM jobs) OR id = (SELECT min(id) FROM runs)",
        (packed,),
    )
    connection.commit()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize("packed", NOT_JSON)
def test_it_is_passed_over_and_the_rest_is_told(box: Box, packed: str) -> None:
    damage(box, packed)
    for words in (["query", "m.1", "--json", "--since", "1d"], ["query", "n.value1", "--since", "1d"]):
        told = box.job("cli.py", *words, "--database", str(box.database))
        assert (told.returncode, told.stderr) == (0, "")
        assert "n.value1" in told.stdout
    assert box.collect("memory.usage").returncode == 0
    assert box.aside() == []
    rows = box.sql("SELECT count(*) FROM metrics WHERE metric_name = 'n.value0'")
    assert rows > [(500,)]
    connection = Store(str(box.database)).reading()
    found = history.points(connection, ("n.value0",), 0, 2**45, 60_000)
    assert sum(point.count for series in found.values() for point in series) > 500
    assert events.between(connection, 0, 2**45) == []
    assert recent.readings(connection, ("memory.usage",), clock.now(), 60_000)


def test_so_are_the_setup_of_a_stream_and_the_tags_of_an_event(box: Box) -> None:
    store = Store(str(box.database))
    now = clock.now()
    with store.writing() as connection:
        events.add(connection, [Event("link_down", now.wall_ms, {"interface": "wwan0"}, text="gone")], now)
        connection.execute("UPDATE series SET tags = substr(tags, 2) WHERE name LIKE 'stream.event%'")
        connection.execute(
            "INSERT INTO sessions (id, start_time, status, metadata) VALUES ('live', 1, 'active', ?)",
            ('{"latency_ms": 20#0}',),
        )
    (happened,) = events.between(store.connection(), 0, 2**45)
    assert (happened.name, happened.tags, happened.text) == ("link_down", {}, "gone")
    assert recent.latency_ms(store.connection()) is None


def test_what_a_json_function_says_is_not_taken_for_damage(box: Box) -> None:
    store = Store(str(box.database))
    with pytest.raises(StoreProblem, match="malformed JSON") as caught, store.writing() as connection:
        connection.execute("SELECT json_extract('{', '$.a')").fetchone()
    assert not isinstance(caught.value, Damaged)
