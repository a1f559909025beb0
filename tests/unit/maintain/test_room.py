"""No room: what is least important goes, and all of it is counted."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import backlog, flights, queue, runs
from belabox_metrics.store.checkpoint import LOG_LIMIT

from .box import DAY_MS, HOUR_MS, SECOND_MS, Box
from .test_queue import flight_of

MB = 10**6
# As many as one has the patience for: 50 takes minutes.
CAP = int(os.environ.get("BELABOX_METRICS_CAP_MB", "2"))


def fill(box: Box, number: int, priorities: tuple[int, ...] = (0, 1, 2, 2, 2, 2, 3, 3), values: int = 30) -> None:
    """Runs of all priorities among each other, a second apart."""
    with box.store.writing(checkpoint_first=True) as connection:
        for at in range(number):
            samples = [Sample("n", at * 1000 + place, {"at": str(place)}) for place in range(values)]
            runs.add(
                connection,
                runs.Run("collect", box.moment, metric="n", samples=samples, priority=priorities[at % len(priorities)]),
            )
            box.wait(SECOND_MS)


def by_priority(box: Box) -> Counter[int]:
    return Counter(dict(box.sql("SELECT priority, count(*) FROM runs WHERE job = 1 GROUP BY priority")))  # type: ignore[arg-type]


def held(box: Box, priority: int) -> int:
    """Numbers in the runs that there are."""
    found = box.sql("SELECT count(*) FROM metrics WHERE priority = ? AND metric_value IS NOT NULL", priority)
    return int(str(found[0][0]))


def stored(box: Box, priority: int) -> int:
    """Numbers that there ever were: `fill` gives eight runs of 30 by turns; all else is of priority 3."""
    runs_of = int(str(box.sql("SELECT runs_total FROM jobs WHERE id = 1")[0][0])) // 8
    if priority < 3:
        return runs_of * 30 * (1, 1, 4)[priority]
    return int(str(box.sql("SELECT sum(samples_total) FROM jobs")[0][0])) - runs_of * 30 * 6


def used(box: Box) -> int:
    """Bytes of pages in use. A cap is on these and on the log, as long as it may be."""
    (size,), (pages,), (free,) = (
        box.sql(f"PRAGMA {name}")[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return (int(str(pages)) - int(str(free))) * int(str(size))


def test_nothing_was_uploaded_and_the_cap_is_reached(sender: Box) -> None:
    sender.configure(True, max_size_bytes=CAP * MB + LOG_LIMIT)
    for _ in range(20):
        fill(sender, 400 * CAP)
        sender.maintain(only="room")
    before = Counter({0: 1000 * CAP, 1: 1000 * CAP, 2: 4000 * CAP, 3: 2000 * CAP})
    after = by_priority(sender)
    assert used(sender) <= CAP * MB
    assert after[0] == before[0]
    assert after[3] < before[3]
    # The oldest of the least important are gone, the newest of it there.
    rows = sender.sql("SELECT id FROM runs WHERE job = 1 AND priority = 3 ORDER BY id DESC LIMIT 1")
    assert not rows or int(str(rows[0][0])) > queue.frontier(sender.store.connection()) - 60 * SECOND_MS
    dropped = queue.dropped(sender.store.connection())
    # Some of the maintenance's own, which is of priority 3, are among them.
    assert dropped.pending == {
        priority: stored(sender, priority) - held(sender, priority) for priority in queue.PRIORITIES
    }
    assert set(dropped.sent.values()) == {0}
    assert sender.pending() == sender.really_pending()
    assert sender.sql("PRAGMA integrity_check") == [("ok",)]


def test_only_what_there_is_no_room_for_goes(sender: Box) -> None:
    """Pages are shared by all priorities: deletion alone would free none before two thirds of them were gone."""
    fill(sender, 9000)
    before, had = by_priority(sender), used(sender)
    sender.configure(True, max_size_bytes=had + LOG_LIMIT)
    over = (had + LOG_LIMIT) // 16
    sender.maintain(only="room")
    after = by_priority(sender)
    gone = before[3] - after[3]
    assert before[2] == after[2]
    # A quarter of the runs are of priority 3.
    assert 0 < gone / before[3] < 1.5 * over / (had / 4)
    ids = [int(str(row[0])) for row in sender.sql("SELECT id FROM runs WHERE job = 1 AND priority = 3 ORDER BY id")]
    assert len(ids) == after[3]
    assert ids[0] > int(str(sender.sql("SELECT min(id) FROM runs")[0][0])) + gone * SECOND_MS


def test_what_was_sent_goes_before_what_was_not(sender: Box) -> None:
    sender.configure(True, max_size_bytes=1 * MB)
    fill(sender, 4000, (0, 2))
    half = int(str(sender.sql("SELECT id FROM runs WHERE job = 1 ORDER BY id LIMIT 1 OFFSET 2000")[0][0]))
    sender.sent(2, half)
    sender.sent(0, half)
    sender.configure(True, max_size_bytes=used(sender) * 9 // 10 + LOG_LIMIT)
    sender.maintain(only="room")
    dropped = queue.dropped(sender.store.connection())
    assert dropped.sent[2] > 0
    assert (set(dropped.pending.values()), dropped.sent[0]) == ({0}, 0)
    sender.configure(True, max_size_bytes=used(sender) * 4 // 10 + LOG_LIMIT)
    sender.wait(DAY_MS)
    sender.maintain(only="room")
    dropped = queue.dropped(sender.store.connection())
    assert dropped.sent[2] == 1000 * 30
    # All that waits of priority 2 before anything of priority 0.
    assert dropped.pending[2] > 0
    assert (dropped.sent[0] > 0) == (by_priority(sender)[2] == 0)
    assert sender.pending() == sender.really_pending()


def test_what_waited_the_last_time_and_is_sent_now_goes_before_what_waits(sender: Box) -> None:
    fill(sender, 1600, (2, 3))
    cap = used(sender) * 9 // 10 + LOG_LIMIT
    sender.configure(True, max_size_bytes=cap)
    sender.maintain(only="room")
    dropped = queue.dropped(sender.store.connection())
    assert dropped.pending[3] > 0
    # The server is there again.
    for priority in (2, 3):
        sender.sent(priority, queue.frontier(sender.store.connection()))
    fill(sender, 200, (2, 3))
    before = by_priority(sender)
    sender.maintain(only="room")
    later = queue.dropped(sender.store.connection())
    assert later.pending == dropped.pending
    assert later.sent[3] > 0
    after = by_priority(sender)
    assert (before[2] == after[2], before[3] > after[3]) == (True, True)
    assert sender.pending() == sender.really_pending()


def test_of_a_queue_and_what_drains_behind_it_what_was_sent_between_goes_first(sender: Box) -> None:
    """The spans are passed over, and looked at again when they have drained."""
    fill(sender, 1600, (3,))
    ids = [int(str(row[0])) for row in sender.sql("SELECT id FROM runs WHERE job = 1 ORDER BY id")]
    sender.sent(3, ids[-1])
    with sender.store.writing() as connection:
        for after, upto in ((ids[0] - 1, ids[399]), (ids[799], ids[1199])):
            backlog.add(connection, 3, after, upto)
        queue.count(connection, 3, sent=-800 * 30)

    def squeeze() -> list[int]:
        sender.configure(True, max_size_bytes=used(sender) * 9 // 10 + LOG_LIMIT)
        sender.maintain(only="room")
        found = {row[0] for row in sender.sql("SELECT id FROM runs WHERE job = 1")}
        return [at for at, number in enumerate(ids) if number not in found]

    gone = squeeze()
    assert gone == [*range(400, 800), *range(1200, 1600)][: len(gone)]
    assert len(gone) > 100
    with sender.store.writing() as connection:
        connection.execute("DELETE FROM backlog WHERE after_run = ?", (ids[0] - 1,))
        queue.count(connection, 3, sent=400 * 30)
    more = [at for at in squeeze() if at not in gone]
    assert more == list(range(len(more)))
    assert 100 < len(more) <= 400
    assert queue.dropped(sender.store.connection()).pending[3] == 0
    assert sender.pending() == sender.really_pending()


def test_steps_go_before_runs_and_count_as_what_they_stand_for(box: Box) -> None:
    fill(box, 3000, (2, 3))
    box.wait(49 * HOUR_MS)
    box.maintain(only="roll_up")
    before = box.count("minutes")
    box.configure(False, max_size_bytes=used(box) // 2 + LOG_LIMIT)
    box.maintain(only="room")
    assert 0 < box.count("minutes") < before
    dropped = queue.dropped(box.store.connection())
    # One shape, so that each minute has runs of both, and is as important as the more important.
    assert (dropped.sent[3], dropped.sent[2] % 30) == (0, 0)
    kept = box.sql("SELECT sum(value_count) FROM metrics_rolled_up WHERE metric_name = 'n'")
    assert dropped.sent[2] + int(str(kept[0][0])) == 2999 * 30  # the newest run of all stays


def test_what_is_on_its_way_stays(sender: Box) -> None:
    fill(sender, 2000, (3,))
    ids = [int(str(row[0])) for row in sender.sql("SELECT id FROM runs WHERE job = 1 ORDER BY id LIMIT 3")]
    with sender.store.writing() as connection:
        flights.claim(connection, flight_of(3, 0, ids[2], 90))
    sender.configure(True, max_size_bytes=10_000)
    sender.maintain(only="room")
    assert [row[0] for row in sender.sql("SELECT id FROM runs WHERE job = 1 ORDER BY id LIMIT 3")] == ids


def test_a_disk_that_others_have_filled_costs_no_more_than_the_reserve(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is free inside the database is as good: it can't grow, and need not."""

    class Disk:
        f_frsize = 1
        f_blocks = 20 * MB
        f_bavail = 0

    fill(box, 9000)
    had = used(box)
    monkeypatch.setattr(os, "statvfs", lambda _path: Disk)
    box.configure(False, reserve_bytes=256 * MB)
    for _ in range(3):
        box.maintain(only="room")
        assert had - used(box) < 1.2 * MB
    assert had - used(box) > 0.4 * MB


@pytest.mark.parametrize("free", [0, 8 * MB, 200 * MB])
def test_a_large_disk_that_others_have_filled_does_not_cost_the_record(
    sender: Box, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    """The reserve is larger than the database, and what is dropped gives others nothing."""

    class Disk:
        f_frsize = 1
        f_blocks = 64_000 * MB
        f_bavail = free

    fill(sender, 4000, (0, 1, 2, 3))
    had = used(sender)
    monkeypatch.setattr(os, "statvfs", lambda _path: Disk)
    sender.configure(True, reserve_bytes=256 * MB)
    before = by_priority(sender)
    for _ in range(3):
        sender.maintain(only="room")
    after = by_priority(sender)
    assert after[0] == before[0]
    assert after[3] < before[3]
    assert 0.1 * had < had - used(sender) < 0.4 * had


def test_it_is_told_loudly_and_in_health(sender: Box, capsys: pytest.CaptureFixture[str]) -> None:
    from belabox_metrics.health import facts, judge

    fill(sender, 3000, (2, 3))
    sender.configure(True, max_size_bytes=used(sender) // 2 + LOG_LIMIT)
    sender.maintain()
    said = [line for line in capsys.readouterr().err.splitlines() if "no room" in line]
    dropped = queue.dropped(sender.store.connection())
    assert len(said) == 1
    assert f"{dropped.pending[3]} samples of priority 3 that were never sent" in said[0]
    now = Moment(sender.moment.wall_ms + HOUR_MS, sender.moment.boottime_ms + HOUR_MS, "boot", True)
    report = judge.report(facts.read(sender.store), now)["components"]["storage"]
    assert report["status"] == "degraded"
    assert f"{sum(dropped.pending.values())} samples" in report["message"]
    assert report["details"]["dropped_pending"] == {str(key): value for key, value in dropped.pending.items()}
    assert json.dumps(report)
    later = Moment(now.wall_ms + 2 * DAY_MS, now.boottime_ms + 2 * DAY_MS, "boot", True)
    assert "samples" not in judge.report(facts.read(sender.store), later)["components"]["storage"]["message"]


def test_where_there_is_room_nothing_goes(tmp_path: Path) -> None:
    box = Box(tmp_path, sends=True)
    fill(box, 1000)
    before = by_priority(box)
    box.maintain()
    assert by_priority(box) == before
    box.store.close()
