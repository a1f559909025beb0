"""What is too old is gone, and what belongs to nothing goes with it; what is in use stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.event import Event
from belabox_metrics.sample import Sample
from belabox_metrics.store import boots, events, history, importer

from .box import DAY_MS, HOUR_MS, MINUTE_MS, Box


def test_a_sample_goes_through_all_its_ages(box: Box) -> None:
    def places() -> list[int]:
        minutes, fives = (
            int(str(box.sql(f"SELECT count(*) FROM {table} WHERE job = 1")[0][0]))
            for table in ("minutes", "five_minutes")
        )
        return [int(str(box.sql("SELECT count(*) FROM runs WHERE job = 1")[0][0])), minutes, fives]

    box.sample()
    seen = []
    for _ in range(32):
        box.maintain()
        seen.append(places())
        box.wait(DAY_MS)
    assert seen[1] == [1, 0, 0]
    assert seen[3] == [0, 1, 0]
    assert seen[6] == [0, 1, 0]
    assert seen[8] == [0, 0, 1]
    assert seen[29] == [0, 0, 1]
    assert seen[31] == [0, 0, 0]
    assert box.sql("SELECT count(*) FROM hours WHERE id & 4294967295 = 1") == [(0,)]
    # What a job is, and what was counted of it, stays.
    assert box.sql("SELECT samples_total FROM jobs WHERE id = 1") == [(1,)]


def test_other_ages_are_taken_from_the_configuration(box: Box) -> None:
    box.configure(
        False,
        retention__full_resolution_ms=HOUR_MS,
        retention__aggregated_1m_ms=2 * HOUR_MS,
        retention__aggregated_5m_ms=3 * HOUR_MS,
    )
    found = []
    box.sample()
    for _ in range(4):
        box.wait(HOUR_MS + MINUTE_MS)
        box.maintain()
        found.append([row[0] for row in box.sql(WHERE)])
    assert found == [["minutes"], ["five_minutes"], [], []]


WHERE = """
SELECT 'runs' FROM runs WHERE job = 1 UNION ALL SELECT 'minutes' FROM minutes WHERE job = 1
UNION ALL SELECT 'five_minutes' FROM five_minutes WHERE job = 1
"""


def test_boots_shapes_and_sessions_that_nothing_is_of_go(box: Box) -> None:
    for boot in ("a", "b", "c"):
        box.moment = Moment(box.moment.wall_ms + DAY_MS, HOUR_MS, boot, True)
        box.run([Sample(f"of.{boot}", 1), Sample("common", 2)])
        with box.store.writing() as connection:
            connection.execute(
                "INSERT INTO sessions (id, start_time, end_time, status) VALUES (?, ?, ?, 'completed')",
                (boot, box.moment.wall_ms, box.moment.wall_ms + 1),
            )
    box.wait(29 * DAY_MS)
    box.run([Sample("of.now", 1)])
    box.maintain()
    kept = {name for (name,) in box.sql("SELECT name FROM series WHERE name LIKE 'of.%'")}
    assert kept == {"of.b", "of.c", "of.now"}  # a month has 30 days, and of.a is 31 days old
    assert [row[0] for row in box.sql("SELECT id FROM sessions ORDER BY 1")] == ["b", "c"]
    box.wait(30 * DAY_MS)
    box.maintain()
    box.wait(DAY_MS)
    box.maintain()
    assert {name for (name,) in box.sql("SELECT name FROM series WHERE name LIKE 'of.%'")} <= {"of.now"}
    assert box.sql("SELECT boot_id FROM boots ORDER BY 1") == [("c",)]
    assert box.sql("SELECT count(*) FROM sessions") == [(0,)]
    # And a run of an old shape makes it anew.
    box.run([Sample("of.a", 5), Sample("common", 2)])
    found = history.points(box.store.connection(), ("of.a",), 0, 2**60)
    assert [point.last for point in found["of.a", ""]] == [5]


def test_a_live_session_stays_however_long_it_is(box: Box) -> None:
    with box.store.writing() as connection:
        connection.execute("INSERT INTO sessions (id, start_time, status) VALUES ('live', 0, 'active')")
    box.wait(90 * DAY_MS)
    box.maintain()
    assert box.sql("SELECT id FROM sessions") == [("live",)]


def test_a_run_that_came_in_with_an_old_id_is_found_within_a_day(box: Box) -> None:
    """As from a database that was damaged, or of another program."""
    old = box.sample()
    box.wait(60 * HOUR_MS)
    box.maintain()
    columns = "job, lead_ms, boot, boottime_ms, synchronized, duration_us, outcome, priority, shape, packed"
    with box.store.writing() as connection:
        connection.execute(
            f"INSERT INTO runs (id, {columns}) VALUES (?, 1, 0, 1, 1, 1, 1, 0, 2, 1, '[5]')", (old + 1000,)
        )
    box.wait(DAY_MS)
    box.maintain()
    assert box.sql("SELECT packed FROM minutes WHERE job = 1") == [("[[1.0,5,6.0,5,2]]",)]


def test_each_step_reports_itself(box: Box) -> None:
    box.sample()
    box.wait(49 * HOUR_MS)
    box.maintain()
    steps = [
        row[0] for row in box.sql("SELECT metric FROM jobs WHERE job = 'maintain' AND last_outcome = 0 ORDER BY id")
    ]
    assert steps == ["checkpoint", "roll_up", "retention", "room", "check", ""]
    query = "SELECT metric_name || coalesce(tags, ''), metric_value FROM metrics WHERE metric_name LIKE 'storage.%'"
    values = {str(name): value for name, value in box.sql(query)}
    assert values["storage.runs_rolled_up"] == 1
    assert values["storage.minutes_rolled_up"] == 0
    assert values['storage.rows_pruned{"table":"events"}'] == 0
    assert {"storage.wal_checkpoint_duration_ms", "storage.wal_bytes_reclaimed", "storage.used_bytes"} <= set(values)
    assert values['storage.checked{"table":"runs"}'] == 1


def _samples(box: Box) -> int:
    found = history.points(box.store.connection(), ("n.value",), 0, 2**52)
    return sum(point.count for points in found.values() for point in points)


def _a_month(box: Box) -> None:
    """Of samples that were sent, a day apart."""
    for _ in range(29):
        box.sample()
        box.wait(DAY_MS)
        box.maintain()


FAR_MS = 27_000 * DAY_MS


def test_a_set_clock_that_jumps_ahead_for_a_while_deletes_nothing(box: Box) -> None:
    _a_month(box)
    before = _samples(box)
    assert before == 29
    box.wait(FAR_MS, MINUTE_MS)
    for _ in range(3):
        box.sample()
        box.wait(HOUR_MS)
        box.maintain()
    box.wait(-FAR_MS, MINUTE_MS)
    box.maintain()
    assert _samples(box) == before + 3


@pytest.mark.parametrize("synchronized", [True, False])
def test_the_first_maintenance_of_all_deletes_nothing_where_the_clock_was_put_ahead(
    box: Box, synchronized: bool
) -> None:
    """The uploader has found out what time it is, then somebody puts the clock ahead; the box was on before, too."""
    for boot in ("before", "now"):
        box.moment = Moment(box.moment.wall_ms + MINUTE_MS, MINUTE_MS, boot, True)
        box.sample()
    with box.store.writing() as connection:
        boots.fix(connection, box.moment, box.moment.wall_ms)
    now = box.moment
    box.moment = Moment(now.wall_ms + 40 * DAY_MS, now.boottime_ms + MINUTE_MS, now.boot_id, synchronized)
    box.maintain()
    assert (_samples(box), box.sql("SELECT count(*) FROM runs WHERE job = 1")) == (2, [(2,)])
    box.moment = Moment(now.wall_ms + HOUR_MS, now.boottime_ms + HOUR_MS, now.boot_id, True)
    box.maintain()
    assert _samples(box) == 2


def test_one_that_stays_there_is_believed(box: Box) -> None:
    _a_month(box)
    box.wait(FAR_MS, MINUTE_MS)
    for _ in range(26):
        box.wait(HOUR_MS)
        box.maintain()
    assert _samples(box) == 0


def test_a_box_that_was_off_for_long_knows_what_is_old_when_it_has_been_up_for_a_day(box: Box) -> None:
    """A time server may be wrong right at boot. It may take several boots."""
    _a_month(box)
    for boot in ("much later", "the day after"):
        box.moment = Moment(box.moment.wall_ms + 200 * DAY_MS * (boot == "much later"), MINUTE_MS, boot, True)
        for _ in range(12):
            box.maintain()
            assert _samples(box) == 29
            box.wait(HOUR_MS)
    box.wait(HOUR_MS)
    box.maintain()
    assert _samples(box) == 0


def test_a_box_that_was_off_for_some_days_knows_it_at_once(box: Box) -> None:
    _a_month(box)
    box.moment = Moment(box.moment.wall_ms + 6 * DAY_MS, MINUTE_MS, "next week", True)
    box.maintain()
    assert _samples(box) == 24


def test_a_clock_without_a_battery_is_set_after_a_while_and_believed(box: Box) -> None:
    """It wakes up in the past, and what it says until it is set is no measure."""
    _a_month(box)
    wall_ms = box.moment.wall_ms
    box.moment = Moment(1000, MINUTE_MS, "woken up", False)
    box.maintain()
    box.moment = Moment(wall_ms + 5 * DAY_MS, 2 * MINUTE_MS, "woken up", True)
    box.maintain()
    assert _samples(box) == 25


def test_a_new_box_is_not_doubted(box: Box) -> None:
    box.moment = Moment(1000, MINUTE_MS, "new", False)
    box.maintain()
    box.moment = Moment(27_000 * DAY_MS, 2 * MINUTE_MS, "new", True)
    box.sample()
    box.wait(40 * DAY_MS)
    box.maintain()
    assert _samples(box) == 0


def test_events_go_in_their_time_also_where_a_clock_was_once_far_ahead(box: Box) -> None:
    """From then on ids are ahead of the time."""
    right = box.moment
    box.moment = Moment(right.wall_ms + 4000 * DAY_MS, right.boottime_ms, "boot", True)
    box.sample()
    box.moment = right
    for _ in range(3):
        with box.store.writing() as connection:
            events.add(connection, [Event("link_down", box.moment.wall_ms)], box.moment)
        box.wait(20 * DAY_MS)
        box.maintain(only="retention")
    box.sample()
    box.maintain(only="retention")
    kept = box.sql("SELECT id - lead_ms FROM runs WHERE job IN (SELECT id FROM jobs WHERE job = 'event')")
    assert kept == [(right.wall_ms + 40 * DAY_MS,)]


class Halves:
    """Old runs of another database, `between` the two halves of which something happens."""

    name = "metrics.db.go-v2"

    def __init__(self, at_ms: int, between: Callable[[], None]) -> None:
        self._at_ms = at_ms
        self._between = between

    def batches(self, _cursor: str) -> Iterator[importer.Batch]:
        for half, at_ms in enumerate((self._at_ms - 90 * DAY_MS, self._at_ms - DAY_MS)):
            run = importer.OldRun(at_ms, [("old.value", "")], f"[{half}]", 1, sent=True, session="a-session")
            yield importer.Batch([run], str(half), 1)
            if not half:
                self._between()


def test_what_an_import_has_named_is_there_until_it_is_done(tmp_path: Path) -> None:
    """The first half is too old and goes at once; the second is of the same shape, boot and session."""
    box = Box(tmp_path)
    with box.store.writing() as connection:
        connection.execute("DELETE FROM runs")
        importer.begin(connection, Halves.name, box.moment, box.moment.wall_ms, 2)

    def maintained() -> None:
        box.sample()
        box.maintain()
        assert box.sql("SELECT count(*) FROM runs WHERE packed = '[0]'") == [(0,)]

    importer.go_on(box.store, Halves(box.moment.wall_ms, maintained), float("inf"))
    found = box.sql("SELECT metric_value, session_id FROM metrics WHERE metric_name = 'old.value'")
    assert found == [(1, "a-session")]
    box.store.close()
