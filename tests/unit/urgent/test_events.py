"""An event is stored with its own time and priority, in the transaction of the run that found it, and told once."""

from __future__ import annotations

from types import ModuleType

import pytest

from belabox_metrics import collect
from belabox_metrics.event import Event
from belabox_metrics.sample import Sample
from belabox_metrics.store import events, queue
from belabox_metrics.world import Reading

from .conftest import Box

RUNS = """
SELECT jobs.job, metric, runs.id - lead_ms, boottime_ms, priority FROM runs JOIN jobs ON jobs.id = runs.job
ORDER BY runs.id
"""


def found(*happened: Event) -> Reading:
    return Reading([Sample("heat", 20)], events=list(happened))


def test_it_is_a_run_of_its_own_time_and_priority(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    now = box.moment.wall_ms
    down = Event("link_down", now - 3_000, {"interface": "wwan0"}, 0, "wwan0 is gone")
    box.collect(found(down, Event("link_up", now - 1_000)))
    assert box.sql(RUNS) == [
        ("collect", "heat", now, 600_000, 2),
        ("event", "link_down", now - 3_000, 597_000, 0),
        ("event", "link_up", now - 1_000, 599_000, 1),
    ]
    assert box.sql(
        "SELECT metric_name, metric_value, value_text, tags FROM metrics WHERE priority < 2 ORDER BY id"
    ) == [
        ("stream.event", 1, None, '{"event":"link_down","interface":"wwan0"}'),
        ("stream.event_text", None, "wwan0 is gone", '{"event":"link_down","interface":"wwan0"}'),
        ("stream.event", 1, None, '{"event":"link_up"}'),
    ]
    told = capsys.readouterr().err.splitlines()
    assert [line.partition("  [")[0] for line in told] == ["link_down: wwan0 is gone", "link_up", "heat: 1 samples"]
    assert "event=link_down event_priority=0" in told[0]
    assert "metric=heat" in told[0]


def test_a_dry_run_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    collector = ModuleType("heat")
    reading = found(Event("link_down", 0, {"interface": "wwan0"}, 0, "wwan0 is gone"))
    collector.__dict__.update({"METRIC": "heat", "SETTINGS": {}, "collect": lambda _world: reading})
    assert collect.show(collector, collect.Request("heat", "", "/nonexistent", dry_run=True)) == 0
    assert capsys.readouterr().out.splitlines() == ["heat 20", 'event link_down{"interface":"wwan0"}: wwan0 is gone']


def test_its_text_stays_on_the_box(box: Box) -> None:
    box.collect(found(Event("link_down", box.moment.wall_ms, priority=0, text="secret")))
    (run,) = queue.pending(box.store.connection(), 0, 100)
    assert run.numbers == [(0, 1)]


def test_what_is_from_the_future_happened_now(box: Box) -> None:
    box.collect(found(Event("clock_set", box.moment.wall_ms + 10**12)))
    assert box.sql(RUNS)[1][2:4] == (box.moment.wall_ms, box.moment.boottime_ms)
    assert box.sql("SELECT max(id) < ? FROM runs", box.moment.wall_ms + 1_000) == [(1,)]


@pytest.mark.parametrize(("priority", "stored"), [(-1, 0), (0, 0), (3, 3), (99, 3)])
def test_its_priority_is_one_there_is(box: Box, priority: int, stored: int) -> None:
    box.collect(found(Event("x", box.moment.wall_ms, priority=priority)))
    assert box.sql(RUNS)[1][4] == stored


def test_a_flood_is_cut_off_and_counted(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.collect(found(*[Event("link_down", box.moment.wall_ms, text="x" * 10_000) for _ in range(5_000)]))
    assert box.sql("SELECT count(*), max(length(packed)) < 2000 FROM runs WHERE priority = 1") == [(events.MOST, 1)]
    told = capsys.readouterr().err.splitlines()
    assert len([line for line in told if line.startswith("link_down")]) == 20
    assert "heat: 5000 events at once, 200 of them stored" in told[20]


def test_nothing_of_a_run_is_kept_when_an_event_can_not_be_stored(box: Box) -> None:
    box.collect(found())
    with pytest.raises(AttributeError):
        box.collect(found(Event("fine", box.moment.wall_ms), "no event"))  # type: ignore[arg-type]
    assert box.sql("SELECT count(*) FROM runs") == [(1,)]
