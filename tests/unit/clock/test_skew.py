"""How far the clock is from the server's: the arithmetic, what is believed, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics import timekeeper
from belabox_metrics.clock import Moment
from belabox_metrics.errors import TryLater
from belabox_metrics.remote.unreachable import Unreachable
from belabox_metrics.sample import Sample
from belabox_metrics.skew import LONGEST_MS, NoTime, Skew, compare, measure, probe, remember
from belabox_metrics.store import boots, queue, runs
from belabox_metrics.store.database import Store
from belabox_metrics.upload import uploader
from belabox_metrics.upload.correction import Correction, prepare

from .conftest import Box, Clock, Server, nowhere

SERVER_S = 1_750_000_000
SERVER_MS = SERVER_S * 1000


def measured(box: Box, server: Server, clock: Clock) -> Skew:
    return measure(box.client, f"{server.origin}/health", clock)


# Before the question the box's clock is so far ahead of the Date; the answer takes so long; what comes out of it.
ARITHMETIC = [
    pytest.param(500, 0, 0, 500, id="in the middle of the second"),
    pytest.param(0, 0, -500, 500, id="at its beginning"),
    pytest.param(999, 0, 499, 500, id="at its end"),
    pytest.param(300, 400, 0, 700, id="half-way between question and answer"),
    pytest.param(60_500, 0, 60_000, 500, id="a minute ahead"),
    pytest.param(-86_399_500, 0, -86_400_000, 500, id="a day behind"),
    pytest.param(-SERVER_MS, 0, -SERVER_MS - 500, 500, id="1970"),
]


@pytest.mark.parametrize(("ahead_ms", "takes_ms", "skew_ms", "error_ms"), ARITHMETIC)
def test_local_time_half_way_minus_the_middle_of_the_servers_second(
    box: Box, server: Server, ahead_ms: int, takes_ms: int, skew_ms: float, error_ms: float
) -> None:
    server.says(SERVER_S)
    skew = measured(box, server, Clock(SERVER_MS + ahead_ms, (takes_ms,)))
    assert (skew.ms, skew.error_ms) == (skew_ms, error_ms)
    assert server.asked == ["/health"]


def test_what_took_long_to_connect_is_asked_again_on_the_same_connection(box: Box, server: Server) -> None:
    server.says(SERVER_S)
    skew = measured(box, server, Clock(SERVER_MS, (3000, 100)))
    assert (skew.ms, skew.error_ms, skew.duration_ms) == (3000 + 50 - 500, 550, 100)
    assert len(server.asked) == 2
    skew = measured(box, server, Clock(SERVER_MS, (3000, 7000)))
    assert skew.duration_ms == 3000, "the quicker of the two"


def test_a_second_answer_without_a_time_takes_nothing_from_the_first(box: Box, server: Server) -> None:
    server.says(SERVER_S)
    clock = Clock(SERVER_MS, (3000, 100))

    def now() -> Moment:
        if server.asked:
            server.headers.clear()
        return clock()

    skew = measure(box.client, f"{server.origin}/health", now)
    assert (skew.duration_ms, len(server.asked)) == (3000, 2)


def test_a_clock_that_is_set_between_question_and_answer_tells_nothing(box: Box, server: Server) -> None:
    server.says(SERVER_S)
    skew = measured(box, server, Clock(-SERVER_MS, (50, 50), (2 * SERVER_MS, 0)))
    assert abs(skew.ms) <= skew.error_ms
    with pytest.raises(TryLater, match="is being set"):
        measured(box, server, Clock(SERVER_MS, (50,), (-3000,)))


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404, 503])
def test_the_date_is_right_whatever_the_status(box: Box, server: Server, status: int) -> None:
    server.status = status
    server.says(SERVER_S)
    assert measured(box, server, Clock(SERVER_MS + 500)).ms == 0


CACHED = [("3600", -3_600_000), ("0", 0), ("-5", 0), ("soon", 0), ("9" * 30, 0), ("٣", 0), ("", 0)]


@pytest.mark.parametrize(("age", "skew_ms"), CACHED)
def test_an_answer_from_a_cache_is_as_old_as_the_cache_says(box: Box, server: Server, age: str, skew_ms: int) -> None:
    server.says(SERVER_S)
    server.headers["Age"] = age.encode().decode("latin-1")
    assert measured(box, server, Clock(SERVER_MS + 500)).ms == skew_ms
    assert server.sent[0]["cache-control"] == "no-cache"


NO_TIME = [
    pytest.param(None, "no Date", id="none"),
    pytest.param("", "no Date", id="empty"),
    pytest.param("yesterday", "no Date", id="words"),
    pytest.param("Sun, 99 Jun 2025 25:61:61 GMT", "no Date", id="impossible"),
    pytest.param("1750000000", "no Date", id="a number"),
    pytest.param("x" * 60_000, "no Date", id="long"),
    pytest.param("Thu, 01 Jan 1970 00:00:09 GMT", "before 2020", id="a server without a clock"),
]


@pytest.mark.parametrize(("date", "why"), NO_TIME)
def test_an_answer_without_a_time_to_believe(box: Box, server: Server, date: str | None, why: str) -> None:
    if date is not None:
        server.headers["Date"] = date
    with pytest.raises(NoTime, match=why) as caught:
        measured(box, server, Clock(SERVER_MS))
    assert caught.value.exit_code == 75
    assert caught.value.where == f"{server.origin}/health"


BEYOND = [
    pytest.param(2000, 520, False, id="as much as is allowed"),
    pytest.param(2001, 520, True, id="ahead"),
    pytest.param(-2001, 520, True, id="behind"),
    pytest.param(2900, 2950, False, id="a slow answer can't tell"),
]


@pytest.mark.parametrize(("ms", "error_ms", "beyond"), BEYOND)
def test_clocks_differ_when_it_is_certain(ms: float, error_ms: float, beyond: bool) -> None:
    for synchronized in (False, True):
        skew = Skew(ms, error_ms, Moment(SERVER_MS, 60_000, "boot-a", synchronized), "http://x/", 200, 40)
        assert skew.is_beyond(2000) is beyond
        # A clock that was set from a time server is right, and the metrics server's is the wrong one.
        assert skew.right_ms(2000) == SERVER_MS - (ms if beyond and not synchronized else 0)


def test_what_was_measured_is_remembered_with_its_boot(box: Box) -> None:
    moment = Moment(SERVER_MS, 60_000, "boot-a", False)
    with box.store.writing() as connection:
        remember(connection, Skew(5000, 520, moment, "http://x/", 200, 40), 2000)
    assert box.sql("SELECT skew_ms, boot_id, skew_boottime_ms FROM link JOIN boots ON boots.id = skew_boot") == [
        (5000.0, "boot-a", 60_000)
    ]
    assert boots.offset_ms(box.store.connection(), 1) == SERVER_MS - 5000 - 60_000


# The job, as a process: its clock is the one of this machine.


def stored(box: Box) -> dict[object, float]:
    rows = box.sql("SELECT metric_name, metric_value FROM metrics")
    return {name: value for name, value in rows if isinstance(value, (int, float))}


def test_the_job_stores_a_run_and_tells(box: Box, server: Server) -> None:
    server.ahead_s = 0
    done = box.job()
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert f"that of {server.origin}/health, give or take " in done.stderr
    assert "job=clock" in done.stderr
    values = stored(box)
    assert abs(values["time.skew_ms"]) <= values["time.skew_error_ms"]
    assert box.sql("SELECT jobs.job, outcome, priority FROM runs JOIN jobs ON jobs.id = runs.job") == [("clock", 0, 3)]
    assert box.sql("SELECT skew_ms FROM link") == [(values["time.skew_ms"],)]


def test_a_clock_that_differs_is_a_warning_that_names_both_sides(box: Box, server: Server) -> None:
    server.ahead_s = -3600
    done = box.job()
    assert done.returncode == 0
    assert done.stderr.startswith("the clock of box-7 is ")
    assert f"s ahead of that of {server.origin}/health" in done.stderr
    assert "if a proxy answers there" in done.stderr
    values = stored(box)
    assert abs(values["time.skew_ms"] - 3_600_000) <= values["time.skew_error_ms"]


def test_a_server_that_only_tells_the_time(box: Box, server: Server) -> None:
    box.configure({"url": nowhere(), "enabled": 1}, {"clock_skew_url": f"{server.origin}/time?user=x"})
    server.ahead_s = 0
    done = box.job()
    assert done.returncode == 0, done.stderr
    assert server.asked == ["/time?user=x"]
    assert "user=x" not in done.stderr


def test_without_an_answer_the_last_one_stands(box: Box, server: Server) -> None:
    server.ahead_s = 0
    box.job()
    before = box.sql("SELECT values_run FROM jobs"), box.sql("SELECT skew_ms FROM link")
    server.ahead_s, server.headers = None, {}
    done = box.job()
    assert done.returncode == 75
    assert len(done.stderr.splitlines()) == 1
    assert "no Date" in done.stderr
    assert (box.sql("SELECT values_run FROM jobs"), box.sql("SELECT skew_ms FROM link")) == before
    box.configure({"url": nowhere(), "enabled": 1})
    done = box.job()
    assert done.returncode == 75
    assert "Traceback" not in done.stderr
    assert box.sql("SELECT outcome FROM runs ORDER BY id") == [(0,), (2,), (2,)]


def test_a_slow_answer_is_not_believed(box: Box, server: Server) -> None:
    server.says(SERVER_S)
    clock = Clock(0, (LONGEST_MS + 1,))
    with pytest.raises(TryLater, match=r"took 5\.0 s to answer"):
        compare(box.store, Moment(0, 60_000, "boot-a", False), clock)
    assert box.sql("SELECT outcome, error LIKE '%took 5.0 s%' FROM runs") == [(2, 1)]
    assert box.sql("SELECT skew_ms FROM link") == [(None,)]
    assert boots.offset_ms(box.store.connection(), 1) is None


@pytest.mark.parametrize(("synchronized", "kept", "marks"), [(False, True, 1), (False, False, 0), (True, True, 0)])
def test_that_somebody_keeps_the_clock_is_found_out_once(
    box: Box, server: Server, monkeypatch: pytest.MonkeyPatch, synchronized: bool, kept: bool, marks: int
) -> None:
    made: list[int] = []
    monkeypatch.setattr(timekeeper, "is_at_work", lambda: kept)
    monkeypatch.setattr(timekeeper, "mark", lambda: made.append(1))
    server.says(SERVER_S)
    assert compare(box.store, Moment(SERVER_MS, 60_000, "boot-a", synchronized), Clock(SERVER_MS)) == 0
    assert len(made) == marks


def test_where_nothing_is_sent_nobody_is_asked(box: Box, server: Server) -> None:
    box.configure({"url": f"{server.origin}/api/v1/import", "enabled": 0})
    done = box.job()
    assert done.returncode == 0
    assert (server.asked, box.sql("SELECT count(*) FROM runs")) == ([], [(0,)])
    assert box.job("clock", "now").returncode == 2


# Before an upload of samples whose time only the server can tell.


def sampled(box: Box, clock: Clock) -> Correction:
    """One sample a minute after boot, then all that an upload asks first."""
    moment = clock()
    with box.store.writing() as connection:
        runs.add(connection, runs.Run("collect", moment, metric="n", samples=[Sample("n", 1)]))
    return prepare(box.store, box.remote, moment, Clock(clock.wall_ms))


def sent_ms(box: Box, correction: Correction) -> list[int]:
    return [run.timestamp_ms for run in correction.apply(queue.pending(box.store.connection(), 2, 100))]


def test_the_server_tells_what_time_it_is(box: Box, server: Server) -> None:
    server.says(SERVER_S)
    assert sent_ms(box, sampled(box, Clock(0))) == [SERVER_MS + 500]
    assert sent_ms(box, prepare(box.store, box.remote, Clock(0)(), Clock(0))) == [SERVER_MS + 500]
    assert len(server.asked) == 1, "asked once in a boot"


def test_a_right_clock_that_nobody_set_changes_nothing(box: Box, server: Server) -> None:
    server.says(SERVER_S)
    assert sent_ms(box, sampled(box, Clock(SERVER_MS + 123))) == [SERVER_MS + 123]


@pytest.mark.parametrize(("wall_ms", "sent"), [(SERVER_MS, [SERVER_MS]), (1_500_000_000_000, [])])
def test_where_the_server_does_not_tell_a_time_that_can_be_right_has_to_do(
    box: Box, server: Server, wall_ms: int, sent: list[int]
) -> None:
    assert sent_ms(box, sampled(box, Clock(wall_ms))) == sent
    clock = Clock(wall_ms)
    clock.synchronized = True
    moment = clock()
    moment.wall_ms = SERVER_MS + 30 * 86_400_000
    # NTP comes later: what was sent keeps its time, what waited gets the right one.
    assert sent_ms(box, prepare(box.store, box.remote, moment)) == (sent or [moment.wall_ms])


def test_a_server_that_is_away_is_no_reason_to_take_the_clock_for_right(box: Box) -> None:
    box.configure({"url": nowhere(), "enabled": 1})
    with pytest.raises(Unreachable):
        sampled(box, Clock(SERVER_MS))
    assert boots.offset_ms(box.store.connection(), 1) is None


def test_an_upload_that_could_not_ask_is_an_attempt_that_failed(box: Box) -> None:
    box.configure({"url": nowhere(), "enabled": 1})
    moment = Moment(SERVER_MS, 60_000, "boot-a", False)
    with box.store.writing() as connection:
        runs.add(connection, runs.Run("collect", moment, metric="n", samples=[Sample("n", 1)]))
    assert uploader.upload(box.store, moment, everything=True) == 75
    assert box.sql("SELECT failures, not_before_boottime_ms > 60000, error LIKE '%/health%' FROM link") == [(1, 1, 1)]
    assert box.sql("SELECT outcome FROM runs ORDER BY id DESC LIMIT 1") == [(runs.FAILED,)]


def test_a_time_server_that_is_away_does_not_keep_samples_from_the_other(box: Box, server: Server) -> None:
    box.configure({"url": f"{server.origin}/api/v1/import", "enabled": 1}, {"clock_skew_url": f"{nowhere()}/time"})
    server.says(SERVER_S)
    assert sent_ms(box, sampled(box, Clock(0))) == [SERVER_MS + 500]
    assert server.asked == ["/health"]


def test_a_slow_answer_is_better_than_none(box: Box, server: Server) -> None:
    server.says(SERVER_S)
    probe(box.store, box.remote, Clock(0, (LONGEST_MS + 1000,)))
    (offset,) = box.sql("SELECT offset_ms FROM boots WHERE boot_id = 'boot-a'")[0]
    # The clock is at 6 s when the answer has come, and was at 3 s half-way.
    assert offset == (SERVER_MS + 500 - 3000) + 6000 - 66_000


def test_a_database_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    box = object.__new__(Box)
    box.store = Store(str(tmp_path / "missing" / "metrics.db"))
    done = box.job()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
