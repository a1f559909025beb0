"""The table of sessions: what belongs to one, and how it ended, whatever happened to the box."""

from __future__ import annotations

import json
import re

import pytest

from belabox_metrics.event import Event
from belabox_metrics.identity import uuid4
from belabox_metrics.sample import Sample
from belabox_metrics.sessions import main
from belabox_metrics.store import events, sessions
from belabox_metrics.stream.session import Session, SessionChange

from .conftest import Box

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
START = 1_700_000_000_000


def tell(box: Box, live: Session | None = None, ended: Session | None = None) -> str:
    """A run of the collector, and what it says of sessions."""
    box.run(Sample("stream.live", int(bool(live))), metric="stream.session")
    with box.store.writing() as connection:
        return sessions.apply(connection, SessionChange(live, ended), box.moment)


def happen(box: Box, *names: str) -> None:
    for name in names:
        with box.store.writing() as connection:
            events.add(connection, [Event(name, box.moment.wall_ms)], box.moment)
        box.step(1000)


def rows(box: Box) -> list[tuple[object, ...]]:
    return box.sql("SELECT id, start_time - ?, end_time - ?, status FROM sessions ORDER BY number", START, START)


def marks(box: Box) -> list[tuple[object, ...]]:
    """(seconds since the start of the test, session) of each run."""
    return box.sql(
        "SELECT (runs.id - lead_ms - ?) / 1000, sessions.id FROM runs"
        " LEFT JOIN sessions ON sessions.number = runs.session ORDER BY runs.id",
        START,
    )


def live(start_s: float = 0, uuid: str = ONE, metadata: str = "{}") -> Session:
    return Session(uuid, START + int(start_s * 1000), metadata)


def ended(end_s: float, status: str = "completed", start_s: float = 0) -> Session:
    return Session(ONE, START + int(start_s * 1000), "{}", START + int(end_s * 1000), status)


def test_all_runs_of_its_time_belong_to_it_and_no_others(box: Box) -> None:
    for _ in range(3):  # seconds 0, 2, 4: a stream starts at 3 and is noticed at 6
        box.run(Sample("n", 1))
        box.step(2000)
    assert tell(box, live(3)) == ONE
    box.step(2000)
    for _ in range(3):  # seconds 8, 10, 12: it was last seen at 9, which is clear at 14
        box.run(Sample("n", 1))
        box.step(2000)
    assert tell(box, None, ended(9, start_s=3)) == ""
    assert rows(box) == [(ONE, 3000, 9000, "completed")]
    assert marks(box) == [(0, None), (2, None), (4, ONE), (6, ONE), (8, ONE), (10, None), (12, None), (14, None)]


def test_a_stream_that_began_before_the_program_was_there(box: Box) -> None:
    box.step(10_000_000)
    tell(box, live(0))
    assert rows(box) == [(ONE, 0, None, "active")]
    assert marks(box) == [(10_000, ONE)]


def test_nothing_is_written_while_nothing_changes(box: Box) -> None:
    tell(box, live(metadata='{"latency_ms":2000}'))
    before = box.sql("PRAGMA data_version"), box.store.connection().total_changes
    with box.store.writing() as connection:
        sessions.apply(connection, SessionChange(live(0.4, metadata='{"latency_ms":2000}')), box.moment)
        sessions.apply(connection, SessionChange(live(metadata='{"latency_ms":2000}')), box.moment)
    assert (box.sql("PRAGMA data_version"), box.store.connection().total_changes) == before
    tell(box, live(metadata='{"latency_ms":1500}'))
    assert box.sql("SELECT metadata FROM sessions") == [('{"latency_ms":1500}',)]


def test_the_start_follows_the_clock(box: Box) -> None:
    tell(box, live(0))
    box.step(86_400_000, boottime_ms=10_000)
    tell(box, live(86_390))
    assert rows(box) == [(ONE, 86_390_000, None, "active")]


@pytest.mark.parametrize("wall_ms", [60_000, -3_600_000])
def test_a_crash_ends_it_with_its_last_run(box: Box, wall_ms: int) -> None:
    """Also when the next boot believes to be in the past."""
    tell(box, live(0))
    for _ in range(5):
        box.step(1000)
        box.run(Sample("n", 1))
    box.reboot("boot-b")
    box.step(wall_ms, boottime_ms=1000)
    for _ in range(3):
        box.run(Sample("n", 1))
        box.step(1000)
    tell(box)
    assert rows(box) == [(ONE, 0, 5000, "failed")]
    assert [mark[1] for mark in marks(box)] == [ONE] * 6 + [None] * 4


def test_a_crash_into_the_next_stream(box: Box) -> None:
    tell(box, live(0))
    box.reboot("boot-b")
    tell(box, live(60, TWO))
    assert [(row[0], row[3]) for row in rows(box)] == [(ONE, "failed"), (TWO, "active")]


def test_a_crash_before_anything_was_stored_of_it(box: Box) -> None:
    tell(box, live(0))
    with box.store.writing() as connection:
        connection.execute("DELETE FROM runs")
    box.reboot("boot-b")
    tell(box)
    assert rows(box) == [(ONE, 0, 0, "failed")]


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        ((), "completed"),
        (("srt_connected", "stop_requested"), "completed"),
        (("link_down", "srt_lost", "link_up", "srt_connected"), "completed"),
        (("srt_connected", "all_links_down", "link_up"), "completed"),
        (("srt_connected", "link_down"), "completed"),
        (("srt_connected", "srt_lost"), "failed"),
        (("srt_connected", "all_links_down", "stop_requested"), "failed"),
        (("srt_connected", "pipeline_stall", "link_up"), "failed"),
        (("srt_connected", "capture_error"), "failed"),
        (("relay_unreachable",), "failed"),
    ],
)
def test_it_has_failed_when_it_did_not_arrive_at_its_end(box: Box, happened: tuple[str, ...], status: str) -> None:
    happen(box, "srt_lost")  # of a stream before
    box.step(10_000)
    tell(box, live(10))
    happen(box, *happened)
    tell(box, None, ended(60, start_s=10))
    assert rows(box)[-1][3] == status


def test_what_the_collector_takes_for_failed_stays_failed(box: Box) -> None:
    tell(box, live(0))
    happen(box, "srt_connected")
    tell(box, None, ended(5, "failed"))
    assert rows(box) == [(ONE, 0, 5000, "failed")]


def test_an_end_and_a_start_in_one_reading(box: Box) -> None:
    tell(box, live(0))
    box.step(60_000)
    assert tell(box, live(30, TWO), ended(10)) == TWO
    assert rows(box) == [(ONE, 0, 10_000, "completed"), (TWO, 30_000, None, "active")]
    assert marks(box) == [(0, ONE), (60, TWO)]


def test_a_collector_that_forgot_its_session_takes_no_run_from_it(box: Box) -> None:
    tell(box, live(0))
    box.step(5000)
    box.run(Sample("n", 1))
    box.step(5000)
    tell(box, live(0, TWO))
    box.run(Sample("n", 1))
    assert rows(box) == [(ONE, 0, 10_000, "failed"), (TWO, 0, None, "active")]
    assert marks(box) == [(0, ONE), (5, ONE), (10, ONE), (10, TWO)]


def test_its_events_belong_to_it(box: Box) -> None:
    box.step(5000)
    box.run(Sample("n", 1))
    with box.store.writing() as connection:
        events.add(connection, [Event("session_started", START + 3000)], box.moment)
        sessions.apply(connection, SessionChange(live(3)), box.moment)
    found = box.sql("SELECT session_id FROM metrics WHERE metric_name = 'stream.event'")
    assert found == [(ONE,)]


def test_an_id_is_a_uuid_of_version_4() -> None:
    import uuid

    for random in (b"\x00" * 16, b"\xff" * 16, bytes(range(16))):
        made = uuid.UUID(uuid4(random))
        assert (made.version, made.variant) == (4, uuid.RFC_4122)


def test_the_command_lists_them(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    tell(box, live(0, metadata='{"latency_ms":2000,"pipeline":"rk3588/h265","relay":"relay.example.net:5000"}'))
    box.step(3_723_000)
    tell(
        box,
        Session(TWO, START + 4_000_000, "{}"),
        Session(ONE, START, '{"relay":"r:1"}', START + 3_723_000, "completed"),
    )
    path = box.store.path
    assert main(["--database", path]) == 0
    head, newest, oldest = capsys.readouterr().out.splitlines()
    assert re.match(r"id +start, \S+ +", head)
    assert newest.startswith(TWO)
    assert "active" in newest
    assert oldest.startswith(ONE)
    assert "1:02:03  completed  r:1" in oldest
    assert main(["--json", "--limit", "1", "--database", path]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "id": TWO,
        "start_time_ms": START + 4_000_000,
        "end_time_ms": None,
        "status": "active",
        "metadata": {},
    }


def test_the_command_without_streams_or_database(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.run(Sample("n", 1))
    assert main(["--database", box.store.path]) == 0
    assert capsys.readouterr().err == "no stream has been recorded yet\n"
    assert main(["--database", box.store.path + ".none"]) == 1
    assert "there is no database yet" in capsys.readouterr().err
    for wrong in ("0", "x", "1001"):
        with pytest.raises(SystemExit):
            main(["--limit", wrong])
        assert "--limit: is not from 1 to 1000" in capsys.readouterr().err


@pytest.mark.parametrize("metadata", ["no JSON", "[", '"text"', "", None, b"\xff"])
def test_a_session_whose_setup_another_program_wrote_is_listed_all_the_same(
    box: Box, metadata: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with box.store.writing() as connection:
        connection.execute(
            "INSERT INTO sessions (id, start_time, end_time, status, metadata) VALUES (?, ?, ?, 'completed', ?)",
            (ONE, START, START + 1000, metadata),
        )
    assert main(["--database", box.store.path]) == 0
    assert ONE in capsys.readouterr().out
