"""What a real VictoriaMetrics gives back is what was sent: label by label, value by value, time by time.

What it stores is no double: the values of a series are whole numbers of at most 18 digits with one power of ten for all
of a block. So the documented rule is `comes_back`; all else is exact.
"""

from __future__ import annotations

import math
import time

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from belabox_metrics.sample import canonical
from belabox_metrics.store.queue import PendingRun, Series
from belabox_metrics.upload.formats.choose import format_of
from belabox_metrics.upload.formats.labels import LONGEST_NAME, LONGEST_VALUE, MOST_TAGS, labels_of
from belabox_metrics.upload.formats.refusal import AHEAD_MS, never_kept

from .conftest import Server

pytestmark = pytest.mark.server

PATHS = [
    ("victoriametrics", "/api/v1/import", True),
    ("victoriametrics", "/prometheus/api/v1/import", False),
    ("prometheus-remote-write", "/api/v1/write", True),
    ("prometheus-remote-write", "/prometheus/api/v1/write", True),
]
Labels = tuple[tuple[str, str], ...]
# (series, its values by time)
Stored = list[tuple[Series, dict[int, float]]]


def comes_back(value: float, series: list[float], got: float) -> bool:
    """Whether `got` is what the server makes of `value`, stored beside the others of `series`.

    Whole numbers up to 2^53 are exact where all of the series are; others are right to 12 digits, and to 17 digits of
    the largest of the series; below 1e-290 there may be nothing but 0.
    """
    if all(other == int(other) and abs(other) <= 2**53 for other in series):
        return got == value
    return math.isclose(got, value, rel_tol=2e-12, abs_tol=max(1e-17 * max(map(abs, series)), 1e-290))


def send(server: Server, name: str, path: str, compress: bool, device: str, stored: Stored) -> None:
    """A run for each moment, all of one shape."""
    shapes = {1: [series for series, _ in stored]}
    moments = sorted({at for _, values in stored for at in values})
    chunk = [
        PendingRun(at, at, 1, [(place, values[at]) for place, (_, values) in enumerate(stored) if at in values])
        for at in moments
    ]
    encoder = format_of(name)(device, shapes, compress)
    answer = requests.post(server.url + path, data=encoder.encode(chunk), headers=encoder.headers(), timeout=60)
    assert answer.status_code == 204, answer.text


def kept(server: Server, device: str) -> dict[Labels, dict[int, float]]:
    found: dict[Labels, dict[int, float]] = {}
    for line in server.exported(f'{{device_id="{device}"}}'):
        metric, values, timestamps = line["metric"], line["values"], line["timestamps"]
        assert isinstance(metric, dict)
        assert isinstance(values, list)
        assert isinstance(timestamps, list)
        assert len(set(timestamps)) == len(timestamps)
        # A series that reaches over a month is exported in parts.
        found.setdefault(tuple(sorted(metric.items())), {}).update(zip(timestamps, values))
    return found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


HOSTILE = st.text(st.characters(exclude_characters="."))
SERIES = st.tuples(
    HOSTILE,
    st.one_of(
        st.dictionaries(HOSTILE, st.text(), max_size=5),
        st.dictionaries(
            st.sampled_from(["a b", "a_b", "a-b", "__name__", "device_id", "le", "job"]), st.text("ab\0\n")
        ),
        st.dictionaries(st.integers(0, 99).map(str), st.just("x" * 20_000), max_size=40),
    ).map(canonical),
)
NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53),
    st.integers(-(2**64), 2**64),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3)),
    st.floats(allow_nan=False, allow_infinity=False),
)
YEAR_MS = 365 * 24 * 60 * 60 * 1000
# The retention of this server is ten years.
AGES = st.one_of(st.integers(0, 60_000), st.integers(-AHEAD_MS, 9 * YEAR_MS))
STORED = st.lists(
    st.tuples(SERIES, st.dictionaries(AGES, NUMBERS, min_size=1, max_size=5)),
    min_size=1,
    max_size=30,
    unique_by=lambda pair: pair[0],
)
# Each example is an import and an export of many series; to shrink one takes as long as a hundred.
FEW = settings(
    max_examples=100,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@FEW
@pytest.mark.parametrize(("name", "path", "compress"), PATHS)
@given(found=STORED)
def test_any_series_come_back_as_they_were_sent(
    server: Server, name: str, path: str, compress: bool, found: Stored
) -> None:
    now = now_ms()
    device = f"any-{time.time_ns()}"
    stored = [(series, {now - age: value for age, value in values.items()}) for series, values in found]
    send(server, name, path, compress, device, stored)
    back = kept(server, device)
    expected = {tuple(sorted(labels_of(series, device).items())): values for series, values in stored}
    assert back.keys() == expected.keys()
    for labels, values in expected.items():
        assert back[labels].keys() == values.keys()
        for at, value in values.items():
            assert comes_back(value, list(values.values()), back[labels][at]), (value, values, back[labels])


@pytest.mark.parametrize("name", ["victoriametrics", "prometheus-remote-write"])
def test_the_largest_series_that_leaves_a_box_is_kept_whole(server: Server, name: str) -> None:
    """As many labels as may be, as long as may be, of the bytes that take the most room in the server's index."""
    device = f"largest-{name}"
    tags = {f"{number:02}".ljust(LONGEST_NAME - 1, "x"): "\x01" * LONGEST_VALUE for number in range(MOST_TAGS + 1)}
    series = ("n" * LONGEST_NAME, canonical(tags))
    at = now_ms()
    path = {"victoriametrics": "/api/v1/import"}.get(name, "/api/v1/write")
    send(server, name, path, True, device, [(series, {at: 1.0})])
    labels = labels_of(series, device)
    assert len(labels) == MOST_TAGS + 3
    assert kept(server, device) == {tuple(sorted(labels.items())): {at: 1.0}}


# Rounded as collectors round, and what a counter of the kernel can reach.
EXACT = [0.1, 47.153, -99.99, 123456.789, 999999.999, 0.001, 1e-6, 100.0, 1.0, 2.0**53]


@pytest.mark.parametrize("name", ["victoriametrics", "prometheus-remote-write"])
def test_what_collectors_measure_comes_back_to_the_last_digit(server: Server, name: str) -> None:
    device = f"exact-{name}"
    at = now_ms()
    stored: Stored = [((f"v{place}.value", ""), {at: value}) for place, value in enumerate(EXACT)]
    stored.append((("together.value", ""), {at + place: value for place, value in enumerate(EXACT[:-1])}))
    stored.append((("total", ""), {at: 2.0**53, at + 1: 0.0, at + 2: 10.0**15}))
    send(server, name, {"victoriametrics": "/api/v1/import"}.get(name, "/api/v1/write"), True, device, stored)
    expected = {tuple(sorted(labels_of(series, device).items())): values for series, values in stored}
    assert kept(server, device) == expected


@pytest.mark.parametrize("name", ["victoriametrics", "prometheus-remote-write"])
def test_a_time_that_is_dropped_in_silence_is_one_that_is_named_beforehand(server: Server, name: str) -> None:
    device = f"times-{name}"
    now = now_ms()
    times = {0, 1, 10**12 - 1, now, now - 60_000, now + AHEAD_MS, now + 3 * AHEAD_MS, 253_402_300_799_999}
    path = {"victoriametrics": "/api/v1/import"}.get(name, "/api/v1/write")
    send(server, name, path, True, device, [(("a.value", ""), dict.fromkeys(sorted(times), 1.0))])
    (values,) = kept(server, device).values()
    assert values.keys() == {at for at in times if not never_kept(at, now)}
