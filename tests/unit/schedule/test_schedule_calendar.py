"""Calendar expressions, read back by systemd itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import pytest

from belabox_metrics.schedule.calendar import MOST, expressions

DAY = 86_400_000


@pytest.mark.parametrize(
    ("interval_ms", "offset_ms", "expected"),
    [
        (1000, 250, ["*:*:00.25/1 UTC"]),
        (1500, 0, ["*:*:00/1.5 UTC"]),
        (5000, 1250, ["*:*:01.25/5 UTC"]),
        (30_000, 7500, ["*:*:07.5/30 UTC"]),
        (60_000, 0, ["*:*:00 UTC"]),
        (30_000, 30_000, ["*:*:00/30 UTC"]),
        (60_000, 59_950, ["*:*:59.95 UTC"]),
        (8000, 1000, ["*:00/2:01/8 UTC", "*:01/2:05/8 UTC"]),
        (45_000, 500, ["*:00/3:00.5/45 UTC", "*:01/3:30.5 UTC", "*:02/3:15.5 UTC"]),
        (90_000, 0, ["*:00/3:00 UTC", "*:01/3:30 UTC"]),
        (300_000, 2000, ["*:00/5:02 UTC"]),
        (3_600_000, 15_000, ["*:00:15 UTC"]),
        (5_400_000, 0, ["00/3:00:00 UTC", "01/3:30:00 UTC"]),
        (7_200_000, 0, ["00/2:00:00 UTC"]),
        (DAY, 1000, ["00:00:01 UTC"]),
    ],
)
def test_spells(interval_ms: int, offset_ms: int, expected: list[str]) -> None:
    assert expressions(interval_ms, offset_ms) == expected


@pytest.mark.parametrize("interval_ms", [7000, 11_000, 420_000, 5001, 128_000, 1024, 7 * DAY, 2 * DAY, 25_000 * 1000])
def test_leaves_the_rest_to_counting(interval_ms: int) -> None:
    assert expressions(interval_ms, 0) == []


def test_every_whole_second_that_divides_a_day_but_one_has_a_calendar() -> None:
    divisors = [seconds for seconds in range(1, 86_401) if 86_400 % seconds == 0]
    assert [seconds for seconds in divisors if not expressions(seconds * 1000, 0)] == [128]


def test_as_many_lines_whatever_the_offset() -> None:
    """Which timers follow the clock must not depend on how they are staggered."""
    for seconds in (27, 32, 45, 64, 90, 96, 128, 5400):
        counts = {len(expressions(seconds * 1000, offset)) for offset in range(0, min(seconds, 60) * 1000, 50)}
        assert len(counts) == 1, seconds


SHAPES = [
    (1000, 250),
    (1500, 250),
    (4500, 1050),
    (5000, 1250),
    (8000, 7950),
    (9000, 0),
    (10_000, 9950),
    (27_000, 26_000),
    (32_000, 500),
    (45_000, 44_950),
    (60_000, 59_950),
    (64_000, 59_000),
    (90_000, 59_950),
    (96_000, 1250),
    (100_000, 45_000),
    (300_000, 59_950),
    (675_000, 30_000),
    (3_600_000, 59_950),
    (5_400_000, 1250),
    (5_760_000, 15_000),
    (7_200_000, 59_950),
    (43_200_000, 30_000),
    (DAY, 59_950),
]
STARTS = ["2026-02-28 23:57:13", "2027-12-31 23:59:59", "2026-03-29 00:59:58"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(("interval_ms", "offset_ms"), SHAPES)
def test_systemd_elapses_exactly_every_interval(interval_ms: int, offset_ms: int, start: str) -> None:
    """systemd-analyze shows whole seconds, so each elapse is compared after its fraction was cut off."""
    lines = expressions(interval_ms, offset_ms)
    assert 1 <= len(lines) <= MOST
    count = 400 // len(lines) + 3
    begin = datetime.strptime(start, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    command = ["systemd-analyze", "calendar", f"--base-time={start} UTC", f"--iterations={count}", *lines]
    # A zone with summer time, whose clocks change in one of STARTS.
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"TZ": "Europe/Berlin", "LC_ALL": "C"}
    )
    blocks = re.split(r"(?:^|\n\n?)  Original form", done.stdout)[1:]
    assert len(blocks) == len(lines)
    found = [_elapses(block) for block in blocks]
    assert all(len(times) == count for times in found)
    # Beyond the last elapse of any line some are missing.
    end = min(times[-1] for times in found)
    merged = sorted(time for times in found for time in times if time <= end)

    midnight = begin.replace(hour=0, minute=0, second=0)
    first = midnight + timedelta(milliseconds=offset_ms)
    passed = (begin - first) // timedelta(milliseconds=interval_ms) + 1
    expected = [
        (first + timedelta(milliseconds=interval_ms * (passed + n))).replace(microsecond=0) for n in range(len(merged))
    ]
    assert merged == expected
    assert len(merged) > 50


def _elapses(block: str) -> list[datetime]:
    times = re.findall(r"(?:\(in UTC\)|Next elapse|Iter\. #\d+): \w+ (\d+-\d+-\d+ \d+:\d+:\d+) UTC", block)
    return [datetime.strptime(time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc) for time in times]
