"""A value that goes too far is one event, makes its runs critical while it lasts, and is one event when it is back."""

from __future__ import annotations

import json

import pytest

from belabox_metrics import alert
from belabox_metrics.clock import Moment
from belabox_metrics.config.alerts import Alert
from belabox_metrics.errors import SourceProblem
from belabox_metrics.event import Event
from belabox_metrics.sample import Sample
from belabox_metrics.world import Reading

from .conftest import GONE, Box

HOT = {"name": "hot", "series": "heat", "tags": {}, "of": "", "above": 85, "clear": 76.5, "for_ms": 0}
NOW = Moment(1_700_000_000_000, 600_000, "boot-a", True)


def rule(**other: object) -> str:
    said = {**HOT, **other}
    if "below" in said:
        del said["above"]
    return json.dumps(said)


def told(rules: list[str], steps: list[tuple[int, list[Sample]]]) -> list[tuple[int, str, str]]:
    """The events of samples at so many seconds: (second, name, text)."""
    memory, happened = "", []
    for second, samples in steps:
        moment = Moment(NOW.wall_ms + second * 1000, NOW.boottime_ms + second * 1000, "boot-a", True)
        verdict = alert.judge(list(rules), samples, memory, moment)
        memory = verdict.memory
        happened += [(second, event.name, event.text) for event in verdict.events]
    return happened


def values(*numbers: float | None, start: int = 0) -> list[tuple[int, list[Sample]]]:
    """A value each ten seconds."""
    return [(start + 10 * at, [Sample("heat", number)]) for at, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("other", "numbers", "expected"),
    [
        ({}, [85, 85.1, 90], [(10, "alert_raised")]),
        ({}, [90, 80, 84, 90], [(0, "alert_raised")]),
        ({}, [90, 76.5, 90], [(0, "alert_raised"), (10, "alert_cleared"), (20, "alert_raised")]),
        ({"for_ms": 30_000}, [90, 90, 90, 90, 90], [(30, "alert_raised")]),
        ({"for_ms": 30_000}, [90, 90, 85, 90, 90, 90], []),
        ({"below": 100, "clear": 110}, [100, 99.9, 105, 110], [(10, "alert_raised"), (30, "alert_cleared")]),
        ({}, [90, float("nan"), 90], [(0, "alert_raised"), (10, "alert_cleared"), (20, "alert_raised")]),
        ({}, [float("inf"), None], []),
        ({"above": -10, "clear": -11}, [-9, -10.5, -11], [(0, "alert_raised"), (20, "alert_cleared")]),
        ({"above": 0, "clear": 0}, [0, 1, 0], [(10, "alert_raised"), (20, "alert_cleared")]),
    ],
)
def test_when(other: dict[str, object], numbers: list[float | None], expected: list[tuple[int, str]]) -> None:
    assert [event[:2] for event in told([rule(**other)], values(*numbers))] == expected


def test_it_is_told_in_words() -> None:
    cores = [Sample("heat", 86, {"zone": "a"}), Sample("heat", 91.25, {"zone": "b"})]
    happened = told([rule(for_ms=10_000)], [(3, cores), (13, cores), (23, [Sample("heat", 70)]), (33, [])])
    assert happened == [
        (13, "alert_raised", 'heat{"zone":"b"} 91.25 is above 85 since 22:13:23 UTC'),
        (23, "alert_cleared", "heat 70, it was above 85 since 22:13:23 UTC"),
    ]
    ((_, name, text),) = told([rule()], [(0, [Sample("heat", 90)]), (10, [])])[1:]
    assert (name, text) == ("alert_cleared", "heat is not measured any more, it was above 85 since 22:13:20 UTC")


def test_it_began_when_it_did_also_by_a_clock_that_was_set_since() -> None:
    """The first value came before the box knew the time."""
    early = Moment(1_600_000_000_000, NOW.boottime_ms - 60_000, NOW.boot_id, False)
    hot, rules = [Sample("heat", 90)], [rule(for_ms=30_000), rule(name="hotter", above=89)]
    first = alert.judge([*rules], hot, "", early)
    second = alert.judge([*rules], hot, first.memory, NOW)
    assert [event.text for event in second.events] == ["heat 90 is above 85 since 22:12:20 UTC"]
    assert {spell.since() for spell in alert.raised(second.memory).values()} == {"22:12:20 UTC"}
    # Of another boot nothing is known but what its clock said.
    later = Moment(NOW.wall_ms + 600_000, 30_000, "boot-b", True)
    third = alert.judge([*rules], [Sample("heat", 50)], second.memory, later)
    assert [event.text for event in third.events] == [
        f"heat 50, it was above {limit} since 22:12:20 UTC" for limit in (85, 89)
    ]


def test_only_samples_with_its_tags_count() -> None:
    def cores(whole: float, one: float) -> list[Sample]:
        return [Sample("heat", whole, {"core": "all", "die": "0"}), Sample("heat", one, {"core": "cpu0"})]

    assert told([rule(tags={"core": "all"})], [(0, cores(50, 99))]) == []
    assert len(told([rule(tags={"core": "all"})], [(0, cores(99, 50))])) == 1


@pytest.mark.parametrize(
    ("rate", "limits", "raised"),
    [(2_999, [6_000, 500], True), (3_000, [6_000, 500], False), (1, [], False), (1, [0], False), (1, [None], False)],
)
def test_a_part_of_another_series(rate: float, limits: list[float | None], raised: bool) -> None:
    low = rule(name="bitrate", below=50, clear=55, of="limit")
    samples = [Sample("heat", rate), *[Sample("limit", limit, {"n": str(at)}) for at, limit in enumerate(limits)]]
    happened = told([low], [(0, samples)])
    assert [text for _, _, text in happened] == ["heat 2999 is below 50 % of limit since 22:13:20 UTC"] * raised


def test_a_part_of_nothing_is_not_too_much() -> None:
    high = rule(above=90, clear=81, of="limit")
    assert told([high], [(0, [Sample("heat", 5), Sample("limit", 0)])]) == []
    assert len(told([high], [(0, [Sample("heat", 5), Sample("limit", 1)])])) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"name":"x"}', rule(tags=3), rule(above=[])])
def test_a_rule_of_another_version_is_passed_over(text: str) -> None:
    assert [name for _, name, _ in told([text, rule()], values(90))] == ["alert_raised"]


@pytest.mark.parametrize(
    "memory", ["x", "hot", "hot a b c d", "hot 1 2 1", "hot -1 2 1 boot", "\n\n", "hot " + "9" * 99]
)
def test_a_memory_that_is_none_is_forgotten(memory: str) -> None:
    verdict = alert.judge([rule()], [Sample("heat", 90)], memory, NOW)
    assert [event.name for event in verdict.events] == ["alert_raised"]


PRIORITIES = "SELECT priority FROM runs JOIN jobs ON jobs.id = runs.job WHERE jobs.job = 'collect' ORDER BY runs.id"
EVENTS = "SELECT metric_value, tags, priority FROM metrics WHERE metric_name = 'stream.event' ORDER BY id"


def test_a_run_is_critical_as_long_as_its_alert_lasts(box: Box) -> None:
    box.alerts(rule())
    woken = []
    box.attempted(attempt_ms=box.moment.boottime_ms)
    for number in (80, 90, 80, 70, 70):
        box.collect(Sample("heat", number))
        woken.append(box.is_woken())
        box.step(1_000)
    assert box.sql(PRIORITIES) == [(2,), (0,), (0,), (2,), (2,)]
    # The last wakes nobody: that it is over was found a run before, and has its ten seconds.
    assert woken == [False, True, True, False, False]
    assert box.sql(EVENTS) == [(1, '{"alert":"hot","event":"alert_raised"}', 0), (1, CLEARED, 1)]


CLEARED = '{"alert":"hot","event":"alert_cleared"}'


def test_a_reading_that_fails_ends_nothing_and_one_without_data_does(box: Box) -> None:
    box.alerts(rule())
    box.collect(Sample("heat", 90))
    box.step(1_000)
    assert box.collect(SourceProblem("is broken")) == 1
    assert len(box.sql(EVENTS)) == 1
    box.step(1_000)
    box.collect(GONE)
    assert [row[1] for row in box.sql(EVENTS)][1:] == [CLEARED]


def test_an_alert_outlasts_a_reboot_and_its_waiting_does_not(box: Box) -> None:
    box.alerts(rule(), rule(name="slow", for_ms=30_000))
    box.collect(Sample("heat", 90))
    box.reboot()
    box.collect(Sample("heat", 90))
    assert len(box.sql(EVENTS)) == 1
    box.step(30_000)
    box.collect(Sample("heat", 90))
    assert [json.loads(str(row[1]))["alert"] for row in box.sql(EVENTS)] == ["hot", "slow"]


def test_it_leaves_the_state_and_the_events_of_its_collector_alone(box: Box) -> None:
    box.alerts(rule())
    happened = Event("own", box.moment.wall_ms)
    box.collect(Reading([Sample("heat", 90)], state="mine", events=[happened]))
    assert box.sql("SELECT state FROM jobs WHERE metric = 'heat'") == [("mine",)]
    assert [json.loads(str(row[1]))["event"] for row in box.sql(EVENTS)] == ["own", "alert_raised"]


@pytest.mark.parametrize(
    ("limits", "number", "raised"),
    [
        ({"above": True, "limit": 85, "clear": 76.5}, 85, False),
        ({"above": True, "limit": 85, "clear": 76.5}, 85.5, True),
        ({"above": False, "limit": -5, "clear": -4}, -5, False),
        ({"above": False, "limit": -5, "clear": -4}, -6, True),
        ({"above": False, "limit": 50, "clear": 55, "of": "most"}, 49, True),
        ({"above": False, "limit": 50, "clear": 55, "of": "most"}, 51, False),
        ({"above": True, "limit": 85, "clear": 76.5, "tags": {"zone": "b"}}, 99, False),
        ({"above": True, "limit": 85, "clear": 76.5}, None, False),
    ],
)
def test_the_rows_of_the_configuration_are_understood(
    box: Box, limits: dict[str, object], number: float | None, raised: bool
) -> None:
    configured = Alert("hot", "heat", "heat", **limits)  # type: ignore[arg-type]
    box.settings["metrics/heat", "alert"] = configured.stored()
    box.settings["metrics/heat", "watch"] = configured.watched()
    box.collect(Reading([Sample("heat", number, {"zone": "a"}), Sample("most", 100)]))
    assert len(box.sql(EVENTS)) == raised


def test_what_changes_nothing_writes_nothing(box: Box) -> None:
    box.alerts(rule())
    for number in (90, 91):
        box.collect(Sample("heat", number))
        remembered = box.sql("SELECT alerts FROM jobs WHERE metric = 'heat'")
        box.step(1_000)
    assert remembered == [("hot 1700000000000 600000 1 boot-a",)]
    box.collect(Sample("heat", 20))
    assert box.sql("SELECT alerts FROM jobs WHERE metric = 'heat'") == [(None,)]
