"""Verdicts, on real rows: what is found out, what is forgiven, and that clocks which jump change nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from belabox_metrics import __version__
from belabox_metrics.clock import Moment
from belabox_metrics.config.keys import KEYS
from belabox_metrics.errors import StoreProblem
from belabox_metrics.health import facts, judge, limits
from belabox_metrics.sample import Sample
from belabox_metrics.store import importer, queue, runs
from belabox_metrics.store.figures import size

from .conftest import Box, Rows, settings

CPU = "collector.cpu.usage"
TEN_SECONDS = {"cpu.usage": 10_000}


@pytest.fixture
def at_work(box: Box) -> Box:
    """One metric every 10 s, just collected and sent."""
    box.configure(settings(intervals=TEN_SECONDS))
    box.step(100)
    box.run("collect", "cpu.usage", samples=9)
    box.run("upload")
    box.sent(9)
    return box


def test_all_is_well_in_the_shape_of_the_contract(at_work: Box) -> None:
    at_work.step(2)
    report = at_work.report()
    stamp = "2023-11-14T22:15:02Z"
    local = report["components"]["time"]["details"].pop("local")
    assert report == {
        "status": "ok",
        "version": __version__,
        "timestamp": stamp,
        "uptime_seconds": 3702,
        "components": {
            CPU: {
                "status": "ok",
                "message": "collected every 10 s",
                "timestamp": stamp,
                "details": {"last_collection": "2023-11-14T22:15:00Z", "metrics_collected": 9, "last_error": None},
            },
            "uploader": {
                "status": "ok",
                "message": "uploads arrive",
                "timestamp": stamp,
                "details": {
                    "last_upload_time": "2023-11-14T22:15:00Z",
                    "metrics_uploaded": 9,
                    "upload_failures": 0,
                    "pending_count": 0,
                    "retry_queue_size": 0,
                    "rejected_count": 0,
                    "time_since_upload_seconds": 2,
                    "mode": "realtime",
                },
            },
            "storage": {
                "status": "ok",
                "message": "readable",
                "timestamp": stamp,
                "details": {
                    "database_size_bytes": size(at_work.store.path),
                    "wal_size_bytes": size(at_work.store.path + "-wal"),
                    "pending_count": 0,
                    "oldest_metric_timestamp": "2023-11-14T22:15:00Z",
                    "dropped_pending": {"0": 0, "1": 0, "2": 0, "3": 0},
                    "dropped_sent": {"0": 0, "1": 0, "2": 0, "3": 0},
                },
            },
            "time": {
                "status": "ok",
                "message": "the clock was set from a server",
                "timestamp": stamp,
                "details": {"skew_ms": None, "ntp_synced": True},
            },
        },
        "alerts_raised": [],
    }
    assert time.mktime(time.strptime(local[:19], "%Y-%m-%dT%H:%M:%S")) == at_work.moment.wall_ms // 1000
    assert report["components"]["storage"]["details"]["wal_size_bytes"] > 0


AGES = [
    pytest.param(10_000, 34, 0, "ok", id="three intervals and a little"),
    pytest.param(10_000, 36, 0, "error", id="stopped silently"),
    pytest.param(1_000, 7, 0, "ok", id="a fast one may be late by some seconds"),
    pytest.param(1_000, 9, 0, "error", id="a fast one stopped"),
    pytest.param(3_600_000, 3 * 3600, 0, "ok", id="a slow one is not due"),
    pytest.param(10_000, 20, 86_400 * 365, "ok", id="the clock jumped a year ahead"),
    pytest.param(10_000, 20, -86_400 * 365, "ok", id="the clock jumped a year back"),
    pytest.param(10_000, 40, -86_400, "error", id="a clock set back does not hide it"),
]


@pytest.mark.parametrize(("interval_ms", "age_s", "jump_s", "expected"), AGES)
def test_a_collector_is_judged_by_its_age_since_boot(
    box: Box, interval_ms: int, age_s: float, jump_s: float, expected: str
) -> None:
    box.configure(settings(intervals={"cpu.usage": interval_ms}))
    box.run("collect", "cpu.usage", samples=1)
    box.step(age_s, clock_jumps_by=jump_s)
    assert box.component(CPU)["status"] == expected


def test_one_failed_run_is_an_error_and_one_good_run_ends_it(at_work: Box) -> None:
    at_work.run("collect", "cpu.usage", outcome=runs.FAILED, error="/proc/stat: is empty")
    found = at_work.component(CPU)
    assert (found["status"], found["message"]) == ("error", "the last run failed: /proc/stat: is empty")
    assert found["details"]["last_error"] == "/proc/stat: is empty"
    assert found["details"]["metrics_collected"] == 9
    at_work.run("collect", "cpu.usage", samples=1)
    found = at_work.component(CPU)
    assert (found["status"], found["details"]["last_error"]) == ("ok", None)


def test_no_data_is_ok_and_says_why(at_work: Box) -> None:
    at_work.run("collect", "cpu.usage", outcome=runs.NO_DATA, error="there is no /proc/stat")
    found = at_work.component(CPU)
    assert (found["status"], found["message"]) == ("ok", "no data: there is no /proc/stat")
    assert found["details"]["last_error"] is None


BOOTS = [
    pytest.param(10_000, 30, "ok", id="timers have not started yet"),
    pytest.param(10_000, 89, "ok", id="a small board takes its time"),
    pytest.param(10_000, 91, "error", id="not one run in this boot"),
    pytest.param(3_600_000, 3000, "ok", id="an hourly one is not due"),
    pytest.param(3_600_000, 3 * 3600 + 6, "error", id="an hourly one never ran"),
]


@pytest.mark.parametrize("outcome", [runs.DONE, runs.FAILED])
@pytest.mark.parametrize(("interval_ms", "up_s", "expected"), BOOTS)
def test_a_run_of_an_earlier_boot_is_none(box: Box, interval_ms: int, up_s: float, expected: str, outcome: int) -> None:
    box.configure(settings(intervals={"cpu.usage": interval_ms}))
    box.run("collect", "cpu.usage", outcome=outcome, error="broken")
    box.reboot(up_s)
    found = box.component(CPU)
    assert found["status"] == expected
    assert found["message"].startswith("waiting for the first sample" if expected == "ok" else "not collected for")
    assert found["details"]["last_error"] is None


def test_a_metric_that_was_never_collected_is_waited_for_and_then_found_out(box: Box) -> None:
    box.configure(settings(intervals={**TEN_SECONDS, "memory.usage": 10_000}))
    box.run("collect", "cpu.usage", samples=1)  # the first run of a database made an hour after boot
    box.step(34)
    assert box.component("collector.memory.usage")["status"] == "ok"
    box.step(2)
    assert box.component("collector.memory.usage")["status"] == "error"


def test_a_database_without_any_run_is_judged_from_when_it_was_made(box: Box) -> None:
    box.configure(settings(intervals=TEN_SECONDS))
    made_ms = facts.read(box.store).made_ms
    assert abs(made_ms - time.time() * 1000) < 10_000
    box.moment = Moment(made_ms + 20_000, 3_600_000, "boot-a", False)
    assert box.report()["status"] == "ok"
    box.step(20)
    assert box.report()["status"] == "error"
    box.moment = Moment(made_ms + 10**12, 20_000, "boot-a", False)
    assert box.report()["status"] == "ok", "a clock that jumps can't make more of it than the uptime"
    box.step(80)
    assert box.component(CPU)["message"] == "not collected for 100 s since the start, due every 10 s"


@pytest.mark.parametrize("of_boot", ["boot-0", ""])
def test_a_database_with_runs_from_before_it_is_judged_from_when_it_was_begun(box: Box, of_boot: str) -> None:
    """As beside a damaged one, and for one of the Go system: what was brought over is of another boot, or of none."""
    box.configure(settings(intervals=TEN_SECONDS))
    with box.store.writing() as connection:
        importer.begin(connection, "metrics.db.go-v2", box.moment, box.moment.wall_ms, 1)
        old = Moment(box.moment.wall_ms - 86_400_000, 5_000, of_boot, True)
        runs.add(connection, runs.Run("collect", old, metric="cpu.usage", samples=[Sample("n", 1)]))
        connection.execute("UPDATE runs SET id = 1 WHERE id = (SELECT max(id) FROM runs)")
        connection.execute("DELETE FROM jobs WHERE job = 'collect'")
    box.step(34)
    assert box.component(CPU)["message"] == "waiting for the first sample, one is due every 10 s"
    box.step(2)
    assert box.component(CPU)["message"] == "not collected for 36 s since the start, due every 10 s"


def test_a_new_schedule_is_given_time(at_work: Box) -> None:
    """From an hour to ten seconds, and a metric that is new: neither is late before it could have run."""
    at_work.step(3000)
    at_work.run("upload")
    assert at_work.component(CPU)["status"] == "error"
    at_work.configure(settings(intervals={**TEN_SECONDS, "memory.usage": 10_000}))
    at_work.run("apply")
    at_work.step(30)
    assert at_work.report()["status"] == "ok"
    at_work.step(10)
    assert at_work.report()["status"] == "error"


def test_what_is_not_scheduled_is_no_component(box: Box) -> None:
    box.configure(settings(intervals=TEN_SECONDS, more={("metrics/srt.packet_loss", "scheduled"): 0}))
    box.run("collect", "cpu.usage", samples=1)
    box.run("collect", "disk.io", samples=1)
    assert [name for name in box.report()["components"] if name.startswith("collector.")] == [CPU]


COLLECTORS = [
    pytest.param([runs.DONE, runs.DONE], "ok", id="both work"),
    pytest.param([runs.DONE, runs.NO_DATA], "ok", id="no such source"),
    pytest.param([runs.DONE, runs.FAILED], "degraded", id="one fails"),
    pytest.param([runs.NO_DATA, runs.FAILED], "degraded", id="one fails, one has none"),
    pytest.param([runs.FAILED, runs.FAILED], "error", id="both fail"),
]


@pytest.mark.parametrize(("outcomes", "expected"), COLLECTORS)
def test_the_box_by_its_collectors(box: Box, outcomes: list[int], expected: str) -> None:
    names = ["cpu.usage", "disk.io"]
    box.configure(settings(intervals=dict.fromkeys(names, 10_000)))
    for name, outcome in zip(names, outcomes):
        box.run("collect", name, outcome=outcome, error="why")
    box.run("upload")
    assert box.report()["status"] == expected


def test_a_box_without_collectors_is_not_in_error(box: Box) -> None:
    box.configure(settings(intervals={}))
    box.run("upload")
    assert box.report()["status"] == "ok"


UPLOADS = [
    pytest.param(59, 0, "ok", id="recent"),
    pytest.param(61, 0, "degraded", id="old"),
    pytest.param(30, 5001, "degraded", id="much is pending"),
    pytest.param(30, 5000, "ok", id="just not too much"),
    pytest.param(601, 10_000, "degraded", id="very old, not very much"),
    pytest.param(599, 10_001, "degraded", id="very much, not very old"),
    pytest.param(601, 10_001, "error", id="both"),
    pytest.param(30, 50_000, "degraded", id="catching up"),
]


def upload_ago(box: Box, age_s: float, pending: int, more: Rows | None = None) -> dict[str, Any]:
    box.configure(settings(intervals=TEN_SECONDS, more=more))
    box.run("upload")
    box.run("collect", "cpu.usage", samples=1)
    with box.store.writing() as connection:
        connection.execute("UPDATE jobs SET samples_total = ? WHERE metric <> ''", (pending,))
    box.step(age_s)
    box.run("collect", "cpu.usage")
    return box.report()


@pytest.mark.parametrize("jump_s", [0, 10**7, -(10**7)])
@pytest.mark.parametrize(("age_s", "pending", "expected"), UPLOADS)
def test_uploads_by_age_and_backlog(box: Box, age_s: float, pending: int, expected: str, jump_s: float) -> None:
    upload_ago(box, age_s, pending)
    box.step(0, clock_jumps_by=jump_s)
    report = box.report()
    uploader = report["components"]["uploader"]
    assert (report["status"], uploader["status"], uploader["details"]["mode"]) == (expected, expected, "realtime")
    assert (
        uploader["details"]["pending_count"] == report["components"]["storage"]["details"]["pending_count"] == pending
    )
    assert uploader["details"]["time_since_upload_seconds"] == age_s


THRESHOLDS: Rows = {
    ("health.degraded_threshold", "upload_age_seconds"): 100,
    ("health.degraded_threshold", "pending_metrics"): 10,
    ("health.error_threshold", "upload_age_seconds"): 200,
    ("health.error_threshold", "pending_metrics"): 20,
}


@pytest.mark.parametrize(
    ("age_s", "pending", "expected"),
    [(99, 10, "ok"), (101, 10, "degraded"), (99, 11, "degraded"), (201, 20, "degraded"), (201, 21, "error")],
)
def test_thresholds_are_those_of_the_configuration(box: Box, age_s: float, pending: int, expected: str) -> None:
    assert upload_ago(box, age_s, pending, THRESHOLDS)["status"] == expected


@pytest.mark.parametrize(("age_s", "expected"), [(599, "ok"), (601, "degraded")])
def test_an_interval_longer_than_the_threshold_is_no_fault(box: Box, age_s: float, expected: str) -> None:
    assert upload_ago(box, age_s, 0, {("remote", "upload_interval_ms"): 300_000})["status"] == expected


def test_a_failed_upload_shows_at_once_and_counts_by_age(at_work: Box) -> None:
    at_work.step(20)
    at_work.run("upload", outcome=runs.FAILED, error="server:8428: Connection refused")
    report = at_work.report()
    uploader = report["components"]["uploader"]
    assert report["status"] == "ok"
    assert uploader["message"] == "the last attempt failed: server:8428: Connection refused"
    assert uploader["details"]["upload_failures"] == 1
    assert uploader["details"]["time_since_upload_seconds"] == 20
    at_work.step(50)
    at_work.run("upload", outcome=runs.FAILED, error="server:8428: Connection refused")
    uploader = at_work.component("uploader")
    assert uploader["status"] == "degraded"
    assert uploader["message"] == "no good upload for 70 s; the last attempt failed: server:8428: Connection refused"


@pytest.mark.parametrize(
    ("up_s", "pending", "expected"),
    [(100, 20_000, "degraded"), (100, 0, "ok"), (151, 0, "degraded"), (691, 20_000, "error")],
)
def test_before_the_first_upload_the_age_counts_from_the_start(
    box: Box, up_s: float, pending: int, expected: str
) -> None:
    upload_ago(box, 1, pending)
    box.reboot(up_s)
    box.run("collect", "cpu.usage")
    uploader = box.component("uploader")
    assert uploader["status"] == expected
    assert uploader["details"]["time_since_upload_seconds"] is None
    assert uploader["details"]["last_upload_time"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("left", "configured", "expected", "said"),
    [
        ("mode = 'degraded'", "auto", "degraded", "what is urgent goes first"),
        ("mode = 'offline'", "auto", "degraded", "no way to the server"),
        ("mode = 'degraded'", "degraded", "ok", "what is urgent goes first"),
        ("outcomes = 'ggr'", "auto", "degraded", "uploads arrive"),
        ("outcomes = 'grg'", "auto", "ok", "uploads arrive"),
    ],
    ids=["degraded", "offline", "degraded by choice", "refused", "refused once"],
)
def test_the_mode_of_the_uploader_shows(box: Box, left: str, configured: str, expected: str, said: str) -> None:
    upload_ago(box, 10, 0, {("remote", "mode"): configured})
    with box.store.writing() as connection:
        connection.execute(f"UPDATE link SET {left}")
    uploader = box.component("uploader")
    assert (uploader["status"], box.report()["status"]) == (expected, expected)
    assert said in uploader["message"]
    assert uploader["details"]["mode"] in left or uploader["details"]["mode"] == "realtime"


def test_what_is_on_its_way_and_what_was_set_aside_is_counted(box: Box) -> None:
    upload_ago(box, 10, 0)
    with box.store.writing() as connection:
        connection.execute(
            "INSERT INTO flights (batch_id, chunk_index, priority, after_run, last_run, last_timestamp_ms, start, stop,"
            " headers, body) VALUES ('b', 0, 2, 0, 9, 9, 10, 40, '', '')"
        )
        connection.execute(
            "INSERT INTO rejected (run, position, timestamp_ms, name, tags, status, reason, rejected_ms)"
            " VALUES (1, 0, 1, 'n', '', 400, 'label too long', 2)"
        )
        queue.count(connection, 2, rejected=1)
    uploader = box.component("uploader")
    assert (uploader["status"], uploader["details"]["retry_queue_size"]) == ("ok", 30)
    assert uploader["details"]["rejected_count"] == 1
    assert "400 label too long" in uploader["message"]


@pytest.mark.parametrize("off", [("remote", "enabled"), ("remote", "url")])
def test_switched_off_uploads_are_no_fault_however_much_is_pending(box: Box, off: tuple[str, str]) -> None:
    report = upload_ago(box, 10_000, 50_000, {off: 0 if off[1] == "enabled" else ""})
    uploader = report["components"]["uploader"]
    assert (report["status"], uploader["status"], uploader["details"]["mode"]) == ("ok", "ok", "disabled")
    assert uploader["details"]["pending_count"] == 50_000
    assert off[1] in uploader["message"]


@pytest.mark.parametrize(("skew_ms", "expected"), [(150, "ok"), (2000, "ok"), (-2001, "degraded"), (1e9, "degraded")])
def test_clock_skew(at_work: Box, skew_ms: float, expected: str) -> None:
    run = runs.Run("clock", at_work.moment, samples=[Sample("time.round_trip_ms", 9), Sample("time.skew_ms", skew_ms)])
    with at_work.store.writing() as connection:
        runs.add(connection, run)
    report = at_work.report()
    found = report["components"]["time"]
    assert (found["status"], found["details"]["skew_ms"], report["status"]) == (expected, skew_ms, expected)


def test_a_log_that_nobody_tidies_up(at_work: Box) -> None:
    with open(at_work.store.path + "-wal", "ab") as log:
        log.truncate(65 * 1024 * 1024)
    assert at_work.component("storage")["status"] == "degraded"
    assert at_work.report()["status"] == "degraded"


def test_a_database_without_settings_says_what_to_do(box: Box) -> None:
    box.run("collect", "cpu.usage", samples=1)
    report = box.report()
    assert report["status"] == "degraded"
    assert "belabox-metrics apply" in report["components"]["storage"]["message"]
    assert report["components"]["uploader"]["details"]["mode"] == "disabled"


@pytest.mark.parametrize("value", ["often", None, b"\xff"])
def test_settings_that_can_not_be_are_a_problem_and_no_crash(at_work: Box, value: object) -> None:
    with at_work.store.writing() as connection:
        connection.execute("UPDATE settings SET value = ? WHERE key IN ('interval_ms', 'upload_interval_ms')", (value,))
    if value is None:
        assert CPU not in at_work.report()["components"]
    else:
        with pytest.raises(StoreProblem, match="holds what it should not"):
            facts.read(at_work.store)


@pytest.mark.parametrize(
    "column",
    [
        *("jobs.last_timestamp_ms", "jobs.last_boottime_ms", "jobs.done_timestamp_ms", "jobs.done_boottime_ms"),
        *("positions.dropped_pending", "positions.dropped_sent", "positions.dropped_ms"),
    ],
)
def test_a_number_that_can_not_be_is_a_problem_and_no_crash(at_work: Box, column: str) -> None:
    table, _, name = column.partition(".")
    with at_work.store.writing() as connection:
        connection.execute(f"UPDATE {table} SET {name} = 'soon'")
    with pytest.raises(StoreProblem, match="holds what it should not"):
        facts.read(at_work.store)


def test_the_defaults_are_those_of_the_configuration() -> None:
    stated = {(key.section, key.stored): key.default for key in KEYS}
    assert {name: stated[name] for name in limits.DEFAULTS} == limits.DEFAULTS


def test_no_statement_goes_through_the_history(at_work: Box) -> None:
    connection = at_work.store.reading()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    facts.Facts(connection)
    connection.set_trace_callback(None)
    assert len(statements) > 6
    for statement in statements:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert not any("SCAN series" in step for step in plan), plan
        if statement not in (facts._OLDEST, facts._STEPS):  # which take the first row and stop
            assert not any(f"SCAN {table}" in step for step in plan for table in ("runs", "minutes", "five")), plan
    connection.close()


def test_nobody_is_kept_from_truncating_the_log(at_work: Box) -> None:
    facts.read(at_work.store)
    with at_work.store.writing(checkpoint_first=True) as connection:
        connection.execute("SELECT 1")
    assert size(at_work.store.path + "-wal") < 4096


def test_judging_twice_changes_nothing(at_work: Box) -> None:
    found = facts.read(at_work.store)
    assert judge.report(found, at_work.moment) == judge.report(found, at_work.moment)


def test_a_refused_configuration_is_told_until_one_is_applied(at_work: Box) -> None:
    at_work.run("apply")
    at_work.run("apply", outcome=runs.FAILED, error="config.yaml:3: metrics: is not a list")
    report = at_work.report()
    assert report["status"] == "degraded"
    assert report["configuration"]["message"].endswith("not in force: config.yaml:3: metrics: is not a list")
    at_work.run("apply")
    assert at_work.report()["status"] == "ok"
    assert "configuration" not in at_work.report()


def test_a_refused_configuration_forgives_nothing(at_work: Box) -> None:
    """Only one that was applied gives the collectors time to start."""
    at_work.step(300)
    at_work.run("apply", outcome=runs.FAILED, error="config.yaml:3: no")
    assert at_work.component(CPU)["status"] == "error"


def test_settings_that_are_not_what_was_compiled_are_told(box: Box) -> None:
    box.configure(settings(intervals={"a.b": 10_000}))
    assert box.component("storage")["message"] == "readable"
    with box.store.writing() as connection:
        connection.execute("UPDATE settings SET value = 'http://other/' WHERE key = 'url'")
    storage = box.component("storage")
    assert (storage["status"], "sudo belabox-metrics apply" in storage["message"]) == ("degraded", True)
