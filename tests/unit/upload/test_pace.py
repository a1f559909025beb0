"""What the backlog may take of the way while a stream is live."""

from __future__ import annotations

import pytest

from belabox_metrics.remote.settings import Backfill
from belabox_metrics.upload.pace import CHUNK_S, FIRST_RATE, LEAST_RATE, Pace


def paced(rate: float | None) -> Pace:
    return Pace(rate, Backfill({}), limited=True)


def send(pace: Pace, carries: float, size: float = 1.0) -> None:
    """A chunk as long as it may be, or a part of one, over a way that carries so many bytes a second."""
    limit = pace.bytes_per_second()
    assert limit is not None
    body = int(pace.chunk_bytes(256 * 1024) * size)
    pace.learn(body, 0.1 + body / min(limit, carries), limit)


@pytest.mark.parametrize("before", [None, LEAST_RATE, 5_000.0, 20_000.0, 200_000.0])
def test_a_way_that_has_become_better_is_found_out(before: float | None) -> None:
    pace = paced(before)
    for _ in range(100):
        send(pace, carries=1_000_000)
    assert pace.rate is not None
    assert pace.rate > 10 * (before or FIRST_RATE)


@pytest.mark.parametrize("before", [20_000.0, 200_000.0])
def test_a_way_that_carries_not_even_that_is_left_to_the_stream(before: float) -> None:
    pace = paced(before)
    for _ in range(20):
        send(pace, carries=100)
    assert pace.rate == LEAST_RATE


@pytest.mark.parametrize("before", [LEAST_RATE, 5_000.0, 200_000.0])
def test_what_is_left_at_the_end_tells_nothing(before: float) -> None:
    """Its time is that of the way there and back."""
    pace = paced(before)
    send(pace, carries=1_000_000, size=0.02)
    assert pace.rate == before


def test_a_chunk_keeps_nothing_critical_waiting_for_long() -> None:
    pace = paced(1_000_000.0)
    assert pace.chunk_bytes(2**30) == 200_000 * CHUNK_S
    assert Pace(1_000_000.0, Backfill({}), limited=False).chunk_bytes(2**30) == 2**30
