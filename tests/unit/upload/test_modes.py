"""What the uploader makes of the last outcomes: seen from outside, by what it sends and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from belabox_metrics.upload import mode

from .box import Box, Remote, samples, status

NOWHERE = "http://127.0.0.1:9/api/v1/import"


@pytest.mark.parametrize(
    ("before", "outcomes", "then"),
    [
        ("realtime", "", "realtime"),
        ("realtime", "ggggggu", "realtime"),
        ("realtime", "gggggub", "degraded"),
        ("realtime", "ggss", "degraded"),
        ("realtime", "grg", "realtime"),
        ("realtime", "uuuu", "offline"),
        ("degraded", "uug", "degraded"),
        ("degraded", "ugg", "degraded"),
        ("degraded", "uggg", "realtime"),
        ("offline", "uuuuu", "offline"),
        ("offline", "uuuug", "degraded"),
        ("offline", "uuuub", "degraded"),
        ("offline", "uuguu", "offline"),
        ("offline", "uuuuggg", "realtime"),
    ],
)
def test_the_mode_follows_from_the_outcomes(before: str, outcomes: str, then: str) -> None:
    assert mode.after(before, outcomes) == then


def test_without_a_server_it_becomes_offline_and_asks_once_a_minute(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, NOWHERE, retry__jitter_percent=0)
    box.sample(1)
    attempts = []
    for second in range(600):
        if box.upload() == 75:
            attempts.append(second)
        box.wait(1)
        if second % 10 == 0:
            box.sample(1)
    assert box.link().mode == "offline"
    # A second is as fine as this clock goes, and the machine takes its time too.
    assert all(want <= at <= want + late for late, (at, want) in enumerate(zip(attempts, [0, 5, 20, 65])))
    assert {after - before for before, after in zip(attempts[4:], attempts[5:])} <= {60, 61}


def test_it_comes_back_by_itself_within_one_activation(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, NOWHERE, retry__jitter_percent=0)
    for _ in range(12):
        box.sample(2, count=20)
        box.wait(60)
        box.upload()
    assert box.link().mode == "offline"
    box.configure(url=remote.url)
    box.wait(120)
    box.sample(0, "critical")
    box.sample(1, "high")
    assert box.upload() == 0
    first = samples(remote.accepted[0])
    assert [name.split(",")[0] for name, _, _ in first] != ["critical"] or len(first) == 1
    box.wait(61)
    box.upload()
    box.wait(61)
    box.upload()
    assert box.link().mode == "realtime"
    assert box.pending() == 0
    assert len(remote.arrived()) == len(set(remote.arrived()))


def test_degraded_sends_the_urgent_at_most_once_a_minute(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, mode="degraded", retry__jitter_percent=0)
    for _ in range(30):
        for priority in (0, 1, 2, 3):
            box.sample(priority, f"p{priority}", count=30)
        box.wait(10)
        box.upload()
    sent = [sample[0][:2] for sample in remote.arrived()]
    assert sent.count("p0") == 30 * 30
    assert sent.count("p1") >= 24 * 30
    # One chunk of the rest in each activation shows whether it is over.
    assert sent.count("p2") + sent.count("p3") > 0
    assert box.link().mode == "degraded"


def test_offline_by_configuration_sends_nothing_but_by_hand(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, mode="offline")
    box.sample(0)
    assert box.upload() == 0
    assert remote.requests == []
    assert box.upload(everything=True) == 0
    assert box.pending() == 0


def test_a_bad_way_is_spared_by_compression_whatever_is_configured(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url, mode="degraded", compression=0)
    box.sample(1, count=50)
    assert box.upload() == 0
    assert remote.requests[0][0]["Content-Encoding"] == "gzip"


def test_one_failure_is_no_mode(tmp_path: Path, remote: Remote) -> None:
    box = Box(tmp_path, remote.url)
    remote.answer = status(500)
    box.sample(1)
    box.upload()
    assert box.link().mode == "realtime"


@pytest.mark.parametrize("code", [503, 401])
def test_a_time_to_wait_for_that_nobody_has_set_holds_nothing_back(tmp_path: Path, remote: Remote, code: int) -> None:
    """It is of a card that gives another bit back, and would hold until the next boot."""
    box = Box(tmp_path, remote.url)
    box.sample(2)
    remote.answer = status(code)
    assert box.upload() != 0
    remote.answer = status(204)
    box.wait(1)
    assert (box.upload(), box.pending()) == (0, 1)
    with box.store.writing() as connection:
        connection.execute("UPDATE link SET not_before_boottime_ms = not_before_boottime_ms + (1 << 24)")
    assert (box.upload(), box.pending()) == (0, 0)
