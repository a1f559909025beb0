"""The formulas of stream.health: docs/metrics.md has them in words."""

from __future__ import annotations

import pytest

from belabox_metrics.stream import health

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

PERFECT = {
    "connected": 1,
    "loss": 0,
    "drops": 0,
    "round_trip": 40,
    "bitrate": 100,
    "frame_rate": 30,
    "frames_dropped": 0,
    "links": 100,
}


def score(values: dict[str, float]) -> float | None:
    return health.score(health.parts(values))


def test_a_perfect_stream_has_100() -> None:
    assert set(PERFECT) == set(health.SCALES)
    assert score({**PERFECT}) == 100
    assert set(health.parts({**PERFECT}).values()) == {1.0}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # half of it where the requirements say critical
        ({"loss": 5}, 50),
        ({"round_trip": 500}, 50),
        ({"bitrate": 50}, 50),
        ({"frames_dropped": 1}, 50),
        # nothing of it
        ({"connected": 0}, 0),
        ({"loss": 10}, 0),
        ({"loss": 60}, 0),
        ({"drops": 2}, 0),
        ({"frame_rate": 0}, 0),
        ({"links": 0}, 0),
        # what is better than good is good
        ({"round_trip": 1, "bitrate": 130, "frame_rate": 120}, 100),
        # one of two links, one of four
        ({"links": 50}, 75),
        ({"links": 25}, 62.5),
        # two faults are worse than either
        ({"loss": 1, "frame_rate": 17}, 72),
    ],
)
def test_the_score(change: dict[str, float], expected: float) -> None:
    assert score({**PERFECT, **change}) == expected


@pytest.mark.parametrize("name", health.SCALES)
def test_what_is_not_known_has_no_part_in_it(name: str) -> None:
    assert score({key: value for key, value in PERFECT.items() if key != name}) == 100


@pytest.mark.parametrize(
    ("known", "expected"),
    [(["frame_rate"], None), (["frame_rate", "frames_dropped"], None), ([], None), (["loss"], 100), (["links"], 100)],
)
def test_without_the_way_there_is_no_score(known: list[str], expected: float | None) -> None:
    assert score({name: PERFECT[name] for name in known}) == expected


SENSIBLE = st.floats(0, 1e6)
INPUTS = st.fixed_dictionaries({"loss": SENSIBLE}, optional=dict.fromkeys(set(PERFECT) - {"loss"}, SENSIBLE))


@given(INPUTS, st.data(), SENSIBLE)
def test_the_score_never_rises_with_what_is_worse(values: dict[str, float], data: st.DataObject, by: float) -> None:
    name = data.draw(st.sampled_from(sorted(values)))
    scale = health.SCALES[name]
    worse = {**values, name: values[name] + by * (1 if scale.bad > scale.good else -1)}
    before, after = score(values), score(worse)
    assert before is not None
    assert after is not None
    assert 0 <= after <= before <= 100


@pytest.mark.parametrize(
    ("bitrates", "round_trips", "links", "expected"),
    [
        ([5000] * 6, [40] * 6, [2] * 6, 100),
        ([5000] * 6, [], [], 100),
        ([5000] * 2, [40] * 6, [2] * 6, None),
        ([], [], [], None),
        # up and down by a quarter of its mean: half
        ([4375, 5625, 4375, 5625], [], [], 50),
        # it falls once, and stays
        ([6000, 6000, 6000, 3000, 3000, 3000], [], [], 73.3),
        ([0, 0, 0], [], [], 0),
        # the round trip jumps by 100 ms each time: half
        ([5000] * 3, [50, 150, 50], [], 50),
        # too few of these have no part in it
        ([5000] * 3, [50, 150], [1, 2], 100),
        # a link comes and goes in one of four
        ([5000] * 5, [], [2, 2, 1, 1, 1], 75),
        ([5000] * 5, [], [2, 1, 2, 1, 2], 0),
    ],
)
def test_the_stability(
    bitrates: list[float], round_trips: list[float], links: list[float], expected: float | None
) -> None:
    assert health.stability(bitrates, round_trips, links) == expected


READINGS = st.lists(st.floats(0, 1000), min_size=3, max_size=8)


@given(READINGS, st.floats(0, 1), st.floats(0, 1))
def test_the_stability_never_rises_with_the_unrest(unrest: list[float], one: float, other: float) -> None:
    """The same pattern, larger: of the round trip alone, whose mean does not matter."""
    small, large = sorted((one, other))
    calm, wild = ([40 + factor * value for value in unrest] for factor in (small, large))
    steady = [5000.0] * len(unrest)
    more, less = health.stability(steady, calm), health.stability(steady, wild)
    assert more is not None
    assert less is not None
    assert 0 <= less <= more <= 100
    # Of the bitrate: about the same mean.
    pattern = [value - sum(unrest) / len(unrest) for value in unrest]
    more, less = (health.stability([5000 + factor * value for value in pattern]) for factor in (small, large))
    assert more is not None
    assert less is not None
    assert less <= more + 0.1


@given(READINGS, READINGS, st.lists(st.integers(0, 8)))
def test_the_stability_is_of_a_hundred(bitrates: list[float], round_trips: list[float], links: list[float]) -> None:
    found = health.stability(bitrates, round_trips, links)
    assert found is not None
    assert 0 <= found <= 100


@pytest.mark.parametrize(
    ("agreed", "round_trip", "frames", "expected"),
    [(2000, 40, 50, 2.06), (2000, 40, 25, 2.1), (2000, 400, 50, 2.24), (200, 40, 50, 0.26), (2000, 40, 0, None)],
)
def test_the_latency(agreed: float, round_trip: float, frames: float, expected: float | None) -> None:
    assert health.latency_seconds(agreed, round_trip, frames) == expected


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1, 500), st.floats(0, 1e5))
def test_the_latency_grows_with_what_it_is_made_of(agreed: float, trip: float, frames: float, more: float) -> None:
    shortest = health.latency_seconds(agreed, trip, frames)
    assert shortest is not None
    for longer in (
        health.latency_seconds(agreed + more, trip, frames),
        health.latency_seconds(agreed, trip + more, frames),
        health.latency_seconds(agreed, trip, frames / (1 + more)),
    ):
        assert longer is not None
        assert longer >= shortest


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], None),
        ([(30_000, True, 0)] * 4, 100),
        ([(30_000, True, 0)] * 3 + [(30_000, False, 0)], 75),
        # it had to connect anew, however well it is by now
        ([(30_000, True, 0), (30_000, True, 1), (30_000, True, 1), (30_000, True, 1)], 75),
        # a night's sleep, and a clock that stood still, are no time
        ([(30_000, True, 0), (3_600_000, False, 0), (0, False, 0)], 100),
        ([(30_000, False, 0)], 0),
    ],
)
def test_the_reliability(spans: list[tuple[int, bool, int]], expected: float | None) -> None:
    it = health.Reliability(0, 0)
    for elapsed_ms, up, reconnects in spans:
        it.add(elapsed_ms, up, reconnects)
    assert it.percent() == expected
