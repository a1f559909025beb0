"""Who wakes the uploader, and when it is left to sleep."""

from __future__ import annotations

import pytest

from belabox_metrics.errors import NoData, Problem, SourceProblem
from belabox_metrics.event import Event
from belabox_metrics.mark import UPLOAD
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading

from .conftest import GONE, Box

HEAT = Sample("heat", 20)


@pytest.mark.parametrize(("priority", "woken"), [(0, True), (1, True), (2, False), (3, False)])
def test_only_what_is_urgent_wakes_it(box: Box, priority: int, woken: bool) -> None:
    box.collect(HEAT, priority)
    assert box.is_woken() is woken


@pytest.mark.parametrize(("priority", "woken"), [(0, True), (2, False)])
def test_an_event_wakes_it_by_its_own_priority(box: Box, priority: int, woken: bool) -> None:
    box.collect(Reading([HEAT], events=[Event("link_down", box.moment.wall_ms, priority=priority)]), priority=3)
    assert box.is_woken() is woken


@pytest.mark.parametrize(
    "answer",
    [NoData("nothing here"), SourceProblem("torn"), Reading([]), Sample("heat", None), Sample("heat", "warm")],
    ids=["no data", "failed", "no samples yet", "no value", "text"],
)
def test_a_run_without_a_number_wakes_nobody(box: Box, answer: Reading | Sample | Exception) -> None:
    box.collect(answer, 1)
    assert not box.is_woken()


@pytest.mark.parametrize(("priority", "stored"), [(0, 2), (1, 2), (2, 2), (3, 3)])
def test_what_is_idle_is_not_urgent(box: Box, priority: int, stored: int) -> None:
    box.collect(Reading([HEAT], is_idle=True), priority)
    assert not box.is_woken()
    assert box.sql("SELECT priority FROM runs") == [(stored,)]


@pytest.mark.parametrize(
    "said", [{("remote", "enabled"): 0}, {("remote", "url"): ""}, {("remote", "mode"): "offline"}], ids=str
)
def test_nobody_is_woken_where_nothing_is_sent(box: Box, said: dict[tuple[str, str], object]) -> None:
    box.settings.update(said)
    box.collect(HEAT, 0)
    assert not box.is_woken()


# What is known of the link at 600 s after boot; ms until the collection; priority; woken.
LINKS = [
    # Nothing has failed: at once, and as late as the next run would be too late.
    ({"attempt_ms": 600_000}, 0, 0, True),
    ({"attempt_ms": 600_000}, 5_000, 1, False),
    ({"attempt_ms": 600_000}, 5_001, 1, True),
    # The last attempt failed: critical samples wait for the first back-off, others for all of it.
    ({"attempt_ms": 600_000, "failures": 4, "not_before_ms": 660_000}, 4_999, 0, False),
    ({"attempt_ms": 600_000, "failures": 4, "not_before_ms": 660_000}, 5_000, 0, True),
    ({"attempt_ms": 600_000, "failures": 4, "not_before_ms": 660_000}, 59_999, 1, False),
    ({"attempt_ms": 600_000, "failures": 4, "not_before_ms": 660_000}, 60_000, 1, True),
    # The server has named the time.
    ({"attempt_ms": 600_000, "failures": 1, "not_before_ms": 660_000, "binding": True}, 59_999, 0, False),
    ({"attempt_ms": 600_000, "failures": 1, "not_before_ms": 660_000, "binding": True}, 60_000, 0, True),
    # Whoever comes by then repeats a failed attempt.
    ({"attempt_ms": 600_000, "failures": 1, "not_before_ms": 605_000, "retry_ms": 605_000}, 4_999, 3, False),
    ({"attempt_ms": 600_000, "failures": 1, "not_before_ms": 605_000, "retry_ms": 605_000}, 5_000, 3, True),
]


@pytest.mark.parametrize(("known", "later", "priority", "woken"), LINKS)
def test_it_depends_on_how_the_last_attempt_went(
    box: Box, known: dict[str, object], later: int, priority: int, woken: bool
) -> None:
    box.attempted(**known)
    box.step(later)
    box.collect(HEAT, priority)
    assert box.is_woken() is woken


@pytest.mark.parametrize("outcome", [GONE, SourceProblem("is broken")], ids=["no-data", "failed"])
def test_a_retry_is_started_by_any_collection(box: Box, outcome: Exception) -> None:
    box.attempted(failures=1, retry_ms=600_000, not_before_ms=600_000)
    box.collect(outcome, 3)
    assert box.is_woken()


@pytest.mark.parametrize(
    ("known", "priority", "woken"), [({"retry_ms": 1_000}, 3, False), ({"not_before_ms": 660_000}, 0, True)]
)
def test_times_of_another_boot_say_nothing(box: Box, known: dict[str, object], priority: int, woken: bool) -> None:
    box.attempted(attempt_ms=600_000, failures=1, binding=True, **known)
    box.reboot()
    box.collect(HEAT, priority)
    assert box.is_woken() is woken


def test_what_is_stored_is_stored_where_nobody_can_be_woken(box: Box) -> None:
    box.wanted.parent.rmdir()
    assert box.collect(HEAT, 0) == 0
    assert box.sql("SELECT count(*) FROM runs") == [(1,)]
    UPLOAD.remove()


def test_the_file_is_not_followed_to_another(box: Box) -> None:
    elsewhere = box.wanted.parent.parent / "elsewhere"
    box.wanted.symlink_to(elsewhere)
    box.collect(HEAT, 0)
    assert not elsewhere.exists()
    UPLOAD.remove()
    assert not box.wanted.is_symlink()


def test_an_uploader_that_can_not_remove_it_says_so(box: Box) -> None:
    box.wanted.mkdir()
    with pytest.raises(Problem, match="can't be removed"):
        UPLOAD.remove()
