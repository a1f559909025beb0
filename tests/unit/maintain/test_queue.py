"""Nothing that waits to be sent is touched, and what is said to wait is what waits."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from belabox_metrics.maintain import steps
from belabox_metrics.maintain.memory import Memory
from belabox_metrics.maintain.pace import Pace
from belabox_metrics.maintain.retention import prune
from belabox_metrics.maintain.roll_up import roll_up
from belabox_metrics.maintain.settings import Settings
from belabox_metrics.maintain.work import Work
from belabox_metrics.sample import Sample
from belabox_metrics.store import backlog, flights, queue, runs

from .box import DAY_MS, HOUR_MS, SECOND_MS, Box


def flight_of(priority: int, after: int, last: int, samples: int, span: int | None = None) -> flights.Flight:
    return flights.Flight("batch", 0, priority, span, (after, last), last, (0, samples), {}, b"", 1)


def many(box: Box, number: int, priority: int = 2) -> list[int]:
    found = []
    for _ in range(number):
        found.append(box.sample(priority, count=2))
        box.wait(SECOND_MS)
    return found


def left(box: Box) -> list[object]:
    """Ids of the collections that are still rows."""
    return [row[0] for row in box.sql("SELECT id FROM runs WHERE job = 1 ORDER BY id")]


def test_what_waits_stays_and_so_does_all_behind_it(sender: Box) -> None:
    """In their order, or what a counter rose would be wrong."""
    critical = many(sender, 3, 0)
    normal = many(sender, 3)
    late = many(sender, 3, 0)
    sender.sent(0, late[-1])
    sender.sent(2, normal[0])
    sender.wait(49 * HOUR_MS)
    sender.maintain()
    assert left(sender) == [*normal[1:], *late]
    assert not set(critical) & set(left(sender))
    assert sender.pending() == sender.really_pending() > 0
    sender.sent(2, normal[-1])
    sender.maintain()
    assert left(sender) == []


def test_runs_without_values_wait_for_nobody(sender: Box) -> None:
    waiting = many(sender, 1)
    sender.run([], outcome=runs.NO_DATA)
    sender.wait(SECOND_MS)
    waiting += many(sender, 1)
    sender.wait(49 * HOUR_MS)
    sender.maintain()
    assert left(sender) == waiting


def test_what_is_on_its_way_or_in_the_backlog_stays(sender: Box) -> None:
    ids = many(sender, 6)
    with sender.store.writing() as connection:
        queue.advance(connection, 2, ids[5])
        queue.count(connection, 2, sent=8)
        backlog.add(connection, 2, ids[1], ids[2])
        flights.claim(connection, flight_of(2, ids[3], ids[4], 2))
    sender.wait(49 * HOUR_MS)
    sender.maintain()
    assert left(sender) == ids[2:]
    assert sender.pending() == 4 + 5 * 0 + sender_own(sender)


def sender_own(box: Box) -> int:
    """What the maintenance itself has stored, and waits."""
    found = box.sql("SELECT sum(samples_total) FROM jobs WHERE job = 'maintain'")
    return int(str(found[0][0]))


def test_what_was_queued_again_meanwhile_stays(sender: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify found that the server lacks it, between the reading and the writing of the roll-up."""
    ids = many(sender, 4)
    sender.sent(2, ids[-1])
    sender.wait(49 * HOUR_MS)
    gathered = steps.gathered

    def meddling(parts: Iterable[tuple[int, steps.Step]]) -> dict[int, steps.Step]:
        monkeypatch.undo()
        with sender.store.writing() as connection:
            backlog.add(connection, 2, ids[0], ids[1])
            queue.count(connection, 2, sent=-2)
        return gathered(parts)

    monkeypatch.setattr(steps, "gathered", meddling)
    sender.maintain(only="roll_up")
    assert left(sender) == ids[1:]


def test_a_table_is_never_emptied_not_even_for_a_moment(box: Box) -> None:
    """Who is killed before it could tell of itself leaves at least the newest: the next id goes on from there."""
    many(box, 3)
    box.wait(60 * DAY_MS)
    connection = box.store.connection()
    work = Work(box.store, box.moment, Settings(connection), Memory("", None, box.moment), Pace(share=1))
    roll_up(work)
    prune(work)
    assert len(left(box)) == 1


def test_a_text_alone_is_nothing_to_wait_for_once_its_place_is_passed(sender: Box) -> None:
    sender.run([Sample("t", "x")])
    sender.wait(SECOND_MS)
    last = many(sender, 1)[0]
    sender.sent(2, last)
    sender.wait(49 * HOUR_MS)
    sender.maintain()
    assert left(sender) == []


def test_where_nothing_is_sent_nothing_waits_and_what_is_gone_is_not_counted_as_waiting(box: Box) -> None:
    ids = many(box, 6)
    with box.store.writing() as connection:
        # Of before somebody switched it off: two sent, one on its way, one behind.
        queue.advance(connection, 2, ids[3])
        queue.count(connection, 2, sent=4)
        backlog.add(connection, 2, ids[2], ids[3])
        flights.claim(connection, flight_of(2, ids[1], ids[2], 2))
    assert box.pending() == 8
    box.wait(49 * HOUR_MS)
    box.sample(2, count=2)
    box.maintain()
    assert left(box) == [box.sql("SELECT max(id) FROM runs WHERE job = 1")[0][0]]
    assert box.count("flights") == 0
    assert box.pending() == box.really_pending() == 2 + sender_own(box)
    assert box.sql("SELECT samples_unsent FROM positions WHERE priority = 2") == [(8,)]


def test_what_is_rolled_up_is_never_sent_later(box: Box) -> None:
    many(box, 3)
    box.wait(49 * HOUR_MS)
    box.maintain()
    box.configure(sends=True)
    new = many(box, 2)
    waiting = queue.pending(box.store.connection(), 2, 1000)
    assert [run.id for run in waiting] == new
    assert box.pending() == box.really_pending()


def test_ids_never_fall_below_positions(sender: Box) -> None:
    """All is gone but the newest; then the box wakes up in the past."""
    ids = many(sender, 3)
    for priority in queue.PRIORITIES:
        sender.sent(priority, ids[-1])
    sender.wait(60 * DAY_MS)
    sender.maintain()
    for priority in queue.PRIORITIES:
        sender.sent(priority, queue.frontier(sender.store.connection()))
    sender.wait(60 * DAY_MS)
    sender.maintain()
    sender.wait(-200 * DAY_MS, SECOND_MS)
    sender.sample(2)
    assert len(queue.pending(sender.store.connection(), 2, 100)) == 1


@pytest.mark.parametrize("sends", [True, False])
def test_events_stay_as_they_are_for_a_month_and_longer_while_they_wait(box: Box, sends: bool) -> None:
    from belabox_metrics.event import Event
    from belabox_metrics.store import events

    box.configure(sends=sends)
    with box.store.writing() as connection:
        events.add(connection, [Event("link_down", box.moment.wall_ms, {"link": "a"}, 0, "gone")], box.moment)
    box.wait(29 * DAY_MS)
    box.maintain()
    (event,) = events.between(box.store.connection(), 0, 2**60)
    assert event.text == "gone"
    box.wait(2 * DAY_MS)
    box.maintain()
    assert len(events.between(box.store.connection(), 0, 2**60)) == sends
    assert box.pending() == box.really_pending()
    box.sent(0, queue.frontier(box.store.connection()))
    # Not before everything is looked at again.
    box.wait(DAY_MS)
    box.maintain()
    assert events.between(box.store.connection(), 0, 2**60) == []
