"""Nobody waits for maintenance: small transactions, rests between them, an end."""

from __future__ import annotations

import itertools
import time

import pytest

from belabox_metrics.config.keys import KEYS
from belabox_metrics.maintain import settings
from belabox_metrics.maintain.pace import FEWEST, HELD_S, LOG_BYTES, MOST, Pace
from belabox_metrics.maintain.settings import Settings
from belabox_metrics.sample import Sample
from belabox_metrics.store.checkpoint import log_size
from belabox_metrics.store.database import Store

from .box import HOUR_MS, SECOND_MS, Box
from .test_room import fill


@pytest.mark.parametrize("a_row_s", [HELD_S / 1000, HELD_S / 300, HELD_S / 50, HELD_S])
def test_a_transaction_has_as_many_rows_as_fit(a_row_s: float) -> None:
    """On a quick box, on a slow one, and on one that is far too slow."""
    pace = Pace(share=1)
    held = []
    for _ in range(12):
        seconds = pace.rows * a_row_s
        held.append(seconds)
        pace.held(seconds, pace.rows)
    assert FEWEST <= pace.rows <= MOST
    assert pace.rows * a_row_s <= max(HELD_S * 1.01, FEWEST * a_row_s)
    assert pace.longest_s == max(held)


def test_it_sleeps_nine_times_as_long_as_it_works() -> None:
    slept: list[float] = []
    pace = Pace(sleep=slept.append)
    until = time.process_time() + 0.02
    while time.process_time() < until:
        pass
    pace.rest()
    assert 0.02 * 8.5 <= slept[0] <= 1.0


def test_the_lock_is_free_while_it_rests(box: Box) -> None:
    """Somebody else writes in each rest."""
    fill(box, 2000)
    box.wait(49 * HOUR_MS)
    other = Store(box.store.path, wait_s=0.0)
    numbers = itertools.count()

    def collect(_seconds: float) -> None:
        with other.writing() as connection:
            connection.execute("UPDATE link SET failures = ?", (next(numbers),))

    from belabox_metrics.maintain.runner import maintain

    maintain(box.store, box.moment, Pace(sleep=collect))
    assert next(numbers) > 4
    assert box.sql("SELECT count(*) FROM runs WHERE job = 1") == [(0,)]
    other.close()


def test_what_is_left_when_the_time_is_up_is_done_the_next_time(box: Box) -> None:
    from belabox_metrics.maintain.runner import maintain

    fill(box, 500)
    box.wait(49 * HOUR_MS)
    maintain(box.store, box.moment, Pace(share=1, budget_s=0.0))
    assert box.sql("SELECT count(*) FROM runs WHERE job = 1") == [(500,)]
    box.wait(SECOND_MS)
    box.maintain()
    assert box.sql("SELECT count(*) FROM runs WHERE job = 1") == [(0,)]


def test_the_log_stays_short_meanwhile(box: Box) -> None:
    fill(box, 6000)
    box.wait(49 * HOUR_MS)
    seen = []
    pace = Pace(sleep=lambda _seconds: seen.append(log_size(box.store.path)))
    from belabox_metrics.maintain.runner import maintain

    maintain(box.store, box.moment, pace)
    # One transaction more than what is folded in.
    assert LOG_BYTES < max(seen) < 4 * LOG_BYTES


def test_defaults_are_those_of_the_configuration(box: Box) -> None:
    stated = {key.path: key.default for key in KEYS}
    with box.store.writing() as connection:
        connection.execute("DELETE FROM settings")
    found = Settings(box.store.connection())
    assert (found.full_ms, found.minutes_ms, found.five_minutes_ms) == (
        stated["storage.retention.full_resolution"],
        stated["storage.retention.aggregated_1m"],
        stated["storage.retention.aggregated_5m"],
    )
    assert (found.max_bytes, found.reserve_bytes) == (stated["storage.max_size"], stated["storage.reserve"])
    assert found.sends
    assert settings.MAX_BYTES == 5 * 10**9


def test_a_reader_in_the_way_is_told_and_all_else_is_done(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.run([Sample("a", 1)])
    box.wait(49 * HOUR_MS)
    reader = box.store.reading()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM runs").fetchone()
    box.maintain()
    assert "a reader was in the way" in capsys.readouterr().err
    assert box.sql("SELECT count(*) FROM minutes WHERE job = 1") == [(1,)]
    assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    reader.close()
