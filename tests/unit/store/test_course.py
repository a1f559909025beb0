"""What a session's own runs tell of the clock, of times without a run, and of what came after."""

from __future__ import annotations

from belabox_metrics.event import Event
from belabox_metrics.sample import Sample
from belabox_metrics.store import course, events, runs, sessions
from belabox_metrics.stream.session import Session, SessionChange

from .conftest import Box

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
START = 1_700_000_000_000


def tell(box: Box, live: Session | None = None, ended: Session | None = None) -> None:
    box.run(Sample("stream.live", int(bool(live))), metric="stream.session")
    with box.store.writing() as connection:
        sessions.apply(connection, SessionChange(live, ended), box.moment)


def play(box: Box, count: int, every_ms: int = 5000) -> None:
    for _ in range(count):
        box.run(Sample("n", 1))
        box.step(every_ms)


def read(box: Box) -> course.Course:
    return course.read(box.store.connection(), ONE, START)


def test_a_session_like_any_other(box: Box) -> None:
    tell(box, Session(ONE, START, "{}"))
    play(box, 5)
    # Stored now, of half a minute ago.
    with box.store.writing() as connection:
        events.add(connection, [Event("link_down", box.moment.wall_ms - 30_000)], box.moment)
    play(box, 5)
    found = read(box)
    assert (found.jumps, found.quiet, found.failures, found.next_boot_ms) == ([], [], [], None)
    assert found.last_ms == START + 45_000


def test_a_clock_that_was_set_and_a_time_without_runs(box: Box) -> None:
    tell(box, Session(ONE, START, "{}"))
    play(box, 2)
    box.step(-3_600_000, 5000)
    play(box, 2)
    box.step(90_000)
    play(box, 1)
    found = read(box)
    assert [(jump.at_ms - START, jump.by_ms) for jump in found.jumps] == [(-3_590_000, -3_605_000)]
    assert found.quiet == [(START - 3_585_000, START - 3_490_000)]


def test_the_next_boot_is_told_and_so_is_what_failed(box: Box) -> None:
    tell(box, Session(ONE, START, "{}"))
    box.run(metric="srt.relay", outcome=runs.FAILED, error="no answer")
    box.step(5000)
    play(box, 1)
    box.reboot("boot-b")
    tell(box, Session(TWO, box.moment.wall_ms, "{}"))
    play(box, 3)
    found = read(box)
    assert [(failure.metric, failure.error) for failure in found.failures] == [("srt.relay", "no answer")]
    # Twenty seconds after its boot the first run of it was stored.
    assert (found.last_ms, found.next_boot_ms) == (START + 5000, START + 10_000 + 60_000 - 20_000)


def test_sessions_are_found_by_the_beginning_of_their_id(box: Box) -> None:
    tell(box, Session(ONE, START, "{}"))
    tell(box, Session(TWO, START, "{}"), Session(ONE, START, "{}", START))
    found = sessions.starting(box.store.connection(), "1111")
    assert [session.id for session in found] == [ONE]
    assert [session.id for session in sessions.starting(box.store.connection(), "")] == [TWO, ONE]
    assert sessions.starting(box.store.connection(), "%") == []
