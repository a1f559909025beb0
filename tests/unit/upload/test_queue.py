"""What goes when: priorities, batches, what is under way, what drains behind."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from belabox_metrics.clock import Moment
from belabox_metrics.sample import Sample
from belabox_metrics.store import backlog, flights, queue, runs
from belabox_metrics.store.flights import Flight
from belabox_metrics.store.queue import PendingRun
from belabox_metrics.upload import drain, sender

from .box import START_MS, Box, Remote, samples, status


def names(remote: Remote) -> list[str]:
    """The names in the order of their chunks."""
    return [
        name for _, body in remote.requests for name in sorted({sample[0].split(",")[0] for sample in samples(body)})
    ]


def test_urgent_ones_go_first_and_all_of_them_at_once_by_hand(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    for priority in (3, 2, 1, 0, 2, 0):
        box.sample(priority, f"p{priority}")
    assert box.upload(everything=True) == 0
    assert names(remote) == ["p0", "p1", "p2", "p3"]
    assert box.pending() == 0


def test_each_priority_goes_when_it_is_due(tmp_path: Path, remote: Remote) -> None:
    """Ten minutes with an upload every ten seconds, as while a stream is live and priority 1 comes in."""
    box = Box(tmp_path, remote.url, upload_interval_ms=30_000)
    waited: dict[int, list[int]] = {0: [], 1: [], 2: [], 3: []}
    for _ in range(120):
        for priority in waited:
            box.sample(priority, f"p{priority}")
        box.wait(10)
        remote.accepted.clear()
        assert box.upload() == 0
        for name, stamp, _ in remote.arrived():
            waited[int(name.split(",")[0][1])].append(box.moment.wall_ms - stamp)
    assert max(waited[0]) == max(waited[1]) == 10_000
    assert max(waited[2]) == 30_000
    assert 300_000 < max(waited[3]) <= 600_000
    assert len(waited[0]) == 120
    assert len(waited[2]) >= 117


def test_a_chunk_is_whole_runs_up_to_its_size(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, chunk_size=50)
    for _ in range(6):
        box.sample(2, count=20)
    box.sample(2, count=70)
    box.upload(everything=True)
    assert [len(samples(body)) for body in remote.accepted] == [40, 40, 40, 70]


def test_a_crash_between_claim_and_answer_sends_the_same_bytes_again(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    box.sample(2, count=30)
    remote.answer = status(503)
    assert box.upload() == 75
    # More samples, another way to write them: what is under way stays what it is.
    box.wait(60)
    box.sample(2, count=5)
    box.configure(compression=0)
    remote.answer = status(204)
    assert box.upload() == 0
    first, second, third = remote.requests
    assert first[1] == second[1] != third[1]
    assert first[0]["Idempotency-Key"] == second[0]["Idempotency-Key"] != third[0]["Idempotency-Key"]
    assert sorted(samples(second[1]) + samples(third[1])) == sorted(set(samples(second[1]) + samples(third[1])))
    assert (len(remote.arrived()), box.pending()) == (35, 0)
    assert flights.under_way(box.store.connection()) == []


def test_what_waited_through_an_outage_lets_the_newest_pass(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    for _ in range(60):
        box.sample(2, "old", count=50)
        box.wait(30)
    box.sample(1, "urgent")
    box.sample(2, "now")
    assert box.upload() == 0
    assert names(remote)[:2] == ["urgent", "now"]
    assert set(names(remote)[3:]) == {"old"}
    assert box.pending() == 0
    assert len(remote.arrived()) == len(set(remote.arrived())) == 3002
    assert box.sql("SELECT count(*) FROM metrics WHERE uploaded = 0") == [(0,)]
    assert box.sql("SELECT count(*) FROM backlog") == [(0,)]


def test_many_outages_are_not_all_in_memory_at_once(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    with box.store.writing() as connection:
        for span in range(60):
            first = START_MS + span * 1000
            for at in range(20):
                values = [Sample("n", at + 0.5, {"at": str(series)}) for series in range(100)]
                runs.add(
                    connection, runs.Run("collect", Moment(first + at, 0, "boot", True), metric="n", samples=values)
                )
            connection.execute("INSERT INTO backlog VALUES (NULL, 2, ?, ?)", (first - 1, first + 19))
        connection.execute("UPDATE positions SET run = ?", (START_MS + 59_019,))
    remote.answer = status(503)
    tracemalloc.start()
    assert box.upload() == 75
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A batch of one span is 200 KB, of all of them 12 MB.
    assert peak < 3_000_000


def test_who_asks_for_everything_gets_more_than_the_timer_sends_at_a_time(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, batch_size=10, chunk_size=10)
    for _ in range(drain.BACKLOG_BATCHES * 3):
        box.sample(2, count=10)
        box.wait(1)
    assert box.upload() == 0
    assert box.pending() == drain.BACKLOG_BATCHES * 20
    assert box.upload(everything=True) == 0
    assert (box.pending(), len(set(remote.arrived()))) == (0, drain.BACKLOG_BATCHES * 30)


def test_what_is_queued_again_while_a_backlog_comes_to_its_end_stays_queued(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repair by hand: its span gets the number of the one that is gone."""
    box = Box(tmp_path, remote.url)
    for _ in range(4):
        box.sample(1)
        box.wait(1)
        box.sample(2)
        box.wait(1)
    first, last = START_MS - 1, START_MS + 7000
    with box.store.writing() as connection:
        for priority in queue.PRIORITIES:
            queue.advance(connection, priority, last)
        queue.count(connection, 1, sent=4)
        backlog.add(connection, 2, first, last)
    run = drain.Drain.run

    def meddling(self: drain.Drain) -> None:
        run(self)
        assert box.sql("SELECT * FROM backlog") == []
        with box.store.writing() as connection:
            backlog.add(connection, 1, first, last - 1000)
            queue.count(connection, 1, sent=-4)

    with monkeypatch.context() as patched:
        patched.setattr(drain.Drain, "run", meddling)
        assert box.upload() == 0
    assert box.sql("SELECT id, priority FROM backlog") == [(1, 1)]
    assert box.upload() == 0
    assert (box.pending(), len(set(remote.arrived()))) == (0, 8)


@pytest.mark.parametrize("set_aside", [False, True])
def test_what_was_dropped_since_it_was_read_is_not_counted_twice(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch, set_aside: bool
) -> None:
    """There is no room on the box, and the oldest that waits goes while it is about to be sent."""
    box = Box(tmp_path, remote.url, chunk_size=10)
    if set_aside:
        box.moment = Moment(1000, 1000, "another boot", False)
    for _ in range(4):
        box.sample(2, count=10)
        box.moment = Moment(box.moment.wall_ms + 1000, 1000, box.moment.boot_id, box.moment.synchronized)
    box.moment = Moment(START_MS, 60_000, "boot", True)
    never = drain.Drain._never

    def meddling(self: drain.Drain, run: PendingRun) -> str:
        monkeypatch.undo()
        with box.store.writing() as connection:
            connection.execute("DELETE FROM runs WHERE id IN (SELECT id FROM runs ORDER BY id LIMIT 2)")
            queue.drop(connection, 2, START_MS, pending=20)
        return never(self, run)

    monkeypatch.setattr(drain.Drain, "_never", meddling)
    assert box.upload() == 0
    (rejected,) = box.sql("SELECT count(*) FROM rejected")
    assert (box.pending(), len(remote.arrived()), rejected) == ((0, 0, (20,)) if set_aside else (0, 20, (0,)))


def test_the_view_knows_what_of_the_backlog_is_sent(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, batch_size=100)
    for _ in range(40):
        box.sample(2, "old", count=50)
        box.wait(30)
    box.sample(2, "now")
    told = iter([status(204)] * 3)
    remote.answer = lambda handler: next(told, status(503))(handler)
    assert box.upload() == 75
    sent = box.sql("SELECT metric_name, count(*) FROM metrics WHERE uploaded GROUP BY 1 ORDER BY 1")
    assert sent == [("now", 1), ("old", len(remote.arrived()) - 1)]
    assert box.pending() == 40 * 50 + 1 - len(remote.arrived())


def test_after_a_reboot_what_is_left_is_backlog_too(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    box.sample(2, "before")
    box.moment = Moment(START_MS + 120_000, 60_000, "another boot", True)
    box.sample(2, "after")
    assert box.upload() == 0
    assert names(remote) == ["after", "before"]
    assert box.pending() == 0


def test_while_a_stream_is_live_the_backlog_takes_its_share(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rate and pace hold for what drains behind, not for what is sampled now."""
    box = Box(tmp_path, remote.url, batch_size=100, backfill__rate_limit_per_s=5, backfill__bandwidth_limit_percent=20)
    for _ in range(40):
        box.sample(2, "old", count=50)
        box.wait(30)
    box.sample(2, "now")
    box.live()
    # When each begins and ends: by when it is received a busy machine moves two of them together.
    sent: list[tuple[float, float]] = []
    send = sender.Sender.send

    def noted(self: sender.Sender, flight: Flight, limit: float | None) -> object:
        began = time.monotonic()
        answer = send(self, flight, limit)
        sent.append((began, time.monotonic()))
        return answer

    monkeypatch.setattr(sender.Sender, "send", noted)
    assert box.upload() == 0
    assert box.pending() == 0
    gaps = [began - ended for (_, ended), (began, _) in zip(sent[1:], sent[2:])]
    assert len(gaps) > 5
    assert min(gaps) >= 0.2


def test_a_box_without_backfill_sends_oldest_first(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, backfill__enabled=0)
    for _ in range(30):
        box.sample(2, "old", count=10)
        box.wait(30)
    box.sample(2, "now")
    assert box.upload() == 0
    assert names(remote)[-1] == "now"


def test_a_text_and_a_missing_value_stay_on_the_box(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    values = [Sample("operator", "Vodafone"), Sample("none", None), Sample("n", 3)]
    with box.store.writing() as connection:
        runs.add(connection, runs.Run("collect", box.moment, metric="modem", samples=values))
    assert box.upload() == 0
    assert [sample[0] for sample in remote.arrived()] == ["n"]
    assert box.pending() == 0


@pytest.mark.parametrize("stamp", [0, 1_000_000, START_MS + 3 * 86_400_000], ids=["1970", "16 minutes later", "ahead"])
def test_what_a_server_would_drop_in_silence_is_set_aside_with_the_reason(
    tmp_path: Path, remote: Remote, stamp: int
) -> None:
    box = Box(tmp_path, remote.url)
    box.sample(2, "good")
    with box.store.writing() as connection:
        moment = Moment(stamp, 1000, "boot", True)
        runs.add(connection, runs.Run("collect", moment, metric="n", samples=[Sample("lost", 1), Sample("too", 2)]))
    box.wait(1)
    box.sample(2, "better")
    assert box.upload() == 0
    assert sorted(sample[0].split(",")[0] for sample in remote.arrived()) == ["better", "good"]
    assert box.sql("SELECT name, timestamp_ms, status FROM rejected ORDER BY name") == [
        ("lost", stamp, 0),
        ("too", stamp, 0),
    ]
    assert box.pending() == 0
    assert box.sql("SELECT metric_name FROM metrics WHERE NOT uploaded ORDER BY 1") == [("lost",), ("too",)]


@pytest.mark.parametrize(
    ("packed", "kept"),
    [
        ("[18446744073709551615]", [2.0**64]),
        ("[-9223372036854775809]", [-(2.0**63)]),
        ("[9223372036854775807]", [2**63 - 1]),
        ("[" + "9" * 400 + "]", [float("inf")]),
        ("[1,2,3]", [1]),  # a comma where a point was
        ("[1.5]", [1.5]),
    ],
    ids=["an unsigned counter that ran below 0", "below", "the largest", "no double", "more than series", "plain"],
)
def test_any_number_can_be_set_aside_and_holds_up_nothing(
    tmp_path: Path, remote: Remote, packed: str, kept: list[float]
) -> None:
    box = Box(tmp_path, remote.url)
    with box.store.writing() as connection:
        moment = Moment(5000, 5000, "another boot", False)
        runs.add(connection, runs.Run("collect", moment, metric="n", samples=[Sample("lost", 1)]))
        connection.execute("UPDATE runs SET packed = ?", (packed,))
    box.wait(1)
    box.sample(2, "good")
    assert box.upload() == 0
    assert [name.split(",")[0] for name, _, _ in remote.arrived()] == ["good"]
    assert [value for (value,) in box.sql("SELECT value FROM rejected")] == kept
