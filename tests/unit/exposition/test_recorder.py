"""What the page tells of the recorder itself, held against what was done to the box."""

from __future__ import annotations

import json

import pytest

from belabox_metrics import __version__
from belabox_metrics.config.alerts import Alert
from belabox_metrics.exposition.page import Page
from belabox_metrics.store import backlog, queue, runs
from belabox_metrics.store.database import Store

from .conftest import Box, check, read

REMOTE: dict[tuple[str, str], str | int] = {("remote", "enabled"): 1, ("remote", "url"): "http://server:8428/import"}


def test_runs_failures_and_durations_of_each_job(box: Box) -> None:
    box.run("a.b", ("a.value", 1, {}), ("a.other", 1, {}), duration_us=12_000)
    box.wait(10)
    box.run("a.b", outcome=runs.FAILED, duration_us=34_000)
    box.run("", job="upload", duration_us=1_500_000)
    box.wait(4)
    found = box.read()
    collect = {"job_name": "collect", "metric": "a.b"}
    assert found.value("belabox_runs_total", **collect) == 2
    assert found.value("belabox_run_failures_total", **collect) == 1
    assert found.value("belabox_run_failed", **collect) == 1
    assert found.value("belabox_samples_stored_total", **collect) == 2
    assert found.value("belabox_run_duration_seconds", **collect) == 0.034
    assert found.value("belabox_run_duration_seconds", job_name="upload") == 1.5
    assert found.value("belabox_collection_age_seconds", metric="a.b") == 4
    assert found.value("belabox_collection_interval_seconds", metric="c.d") == 60
    assert found.value("belabox_collection_age_seconds", metric="c.d") is None
    assert found.value("belabox_component_ok", component="collector.a.b") == 0
    assert found.value("belabox_status", status="degraded") == 1
    assert found.value("belabox_status", status="ok") == 0
    assert found.value("belabox_build_info", version=__version__) == 1


def test_what_waits_by_priority(box: Box) -> None:
    box.configure(REMOTE)
    for priority in (0, 2, 2, 3):
        box.run("a.b", ("a.value", 1, {}), ("a.other", 1, {}), priority=priority)
        box.wait(1)
    with box.store.writing() as connection:
        queue.advance(connection, 3, queue.frontier(connection))
        queue.count(connection, 3, sent=2)
    found = box.read()
    assert [found.value("belabox_runs_pending", priority=str(priority)) for priority in range(4)] == [1, 0, 2, 0]
    assert found.value("belabox_samples_pending") == 6
    assert found.value("belabox_samples_sent_total", priority="3") == 2
    # What drains behind waits too.
    with box.store.writing() as connection:
        upto = queue.frontier(connection)
        backlog.add(connection, 2, 0, upto)
        queue.advance(connection, 2, upto)
    assert box.read().value("belabox_runs_pending", priority="2") == 2


def test_the_count_of_what_waits_is_bounded(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("belabox_metrics.exposition.recorder.COUNTED", 3)
    for _ in range(5):
        box.run("a.b", ("a.value", 1, {}))
    found = box.read()
    assert found.value("belabox_runs_pending", priority="2") == 3
    assert found.value("belabox_samples_pending") == 5


@pytest.mark.parametrize(
    ("settings", "link", "mode"),
    [({}, "realtime", "disabled"), (REMOTE, "realtime", "realtime"), (REMOTE, "offline", "offline")],
)
def test_the_mode_of_uploads_is_one_of_four(
    box: Box, settings: dict[tuple[str, str], str | int], link: str, mode: str
) -> None:
    box.configure(settings)
    box.sql("UPDATE link SET mode = ?, rate = 1234.5", link)
    found = box.read()
    modes = ("disabled", "realtime", "degraded", "offline")
    assert {name: found.value("belabox_upload_mode", mode=name) for name in modes} == {
        **dict.fromkeys(modes, 0.0),
        mode: 1.0,
    }
    assert found.value("belabox_upload_rate_bytes_per_second") == 1234.5


def test_skew_counts_on_and_a_good_upload_has_an_age(box: Box) -> None:
    box.configure(REMOTE)
    box.run("", ("time.skew_ms", 2500, {}), ("time.skew_error_ms", 10, {}), job="clock")
    box.run("", job="upload")
    box.wait(45)
    found = box.read()
    assert found.value("belabox_clock_skew_seconds") == 2.5
    assert found.value("belabox_clock_synchronized") == 1
    assert found.value("belabox_upload_age_seconds") == 45


def test_before_the_first_good_upload_of_a_boot_its_age_grows_too(box: Box) -> None:
    """Or nobody would hear of a box whose uploads fail from the start."""
    box.configure(REMOTE)
    box.run("a.b", ("a.value", 1, {}))
    box.run("", job="upload", outcome=runs.FAILED)
    box.wait(1200)
    assert box.read().value("belabox_upload_age_seconds") == 1200
    box.configure({("remote", "enabled"): 0})
    assert box.read().value("belabox_upload_age_seconds") is None


def test_alerts_are_0_or_1_and_one_that_is_on_is_never_hidden(box: Box) -> None:
    rule = Alert("cpu_temperature", "a.b", "cpu.temperature", True, 85, 76.5)
    box.configure({("metrics/a.b", "alert"): rule.stored()})
    box.run("a.b", ("cpu.temperature", 50, {}))
    assert box.read().value("belabox_alert_raised", alert="cpu_temperature", metric="a.b") == 0
    box.sql("UPDATE jobs SET alerts = 'cpu_temperature 1700000000000 3600000 1 boot-a' WHERE metric = 'a.b'")
    assert box.read().value("belabox_alert_raised", alert="cpu_temperature", metric="a.b") == 1
    box.configure({("metrics/a.b", "alert"): json.dumps({"of": "another version"})})
    assert box.read().value("belabox_alert_raised", alert="cpu_temperature", metric="a.b") == 1


def test_events_are_counted(box: Box) -> None:
    for _ in range(2):
        box.run("link_down", ("stream.event", 1, {"event": "link_down"}), job="event")
    found = box.read()
    assert found.value("belabox_events_total", event="link_down") == 2
    assert "stream_event" not in found.kinds


def test_the_database_and_its_log(box: Box) -> None:
    found = box.read()
    assert (found.value("belabox_database_bytes") or 0) > 1024
    assert (found.value("belabox_wal_bytes") or 0) > 0


@pytest.mark.parametrize("what", ["missing", "no database", "a table gone", "nonsense in a column"])
def test_without_a_database_that_can_be_read_the_page_says_so(box: Box, what: str) -> None:
    path = box.store.path
    if what == "missing":
        path += ".other"
    elif what == "no database":
        path += ".other"
        with open(path, "w") as file:
            file.write("this is a text" * 500)
    elif what == "a table gone":
        box.sql("DROP TABLE positions")
    else:
        box.run("a.b", ("a.value", 1, {}))
        box.sql("UPDATE jobs SET samples_total = 'many', runs_total = 'few'")
    page = Page(Store(path)).text(box.moment)
    check(page)
    found = read(page)
    assert found.value("belabox_status", status="error") == 1
    assert found.value("belabox_component_ok", component="storage") == 0
    assert found.value("belabox_build_info", version=__version__) == 1
