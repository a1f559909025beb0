"""A person writes a time in whatever form comes to mind."""

from __future__ import annotations

from datetime import datetime
from typing import Callable

import pytest

from belabox_metrics.errors import UsageProblem
from belabox_metrics.query import period

DAY_MS = 86_400_000
# 2023-11-14 22:30 UTC, 23:30 in Vienna
NOW_MS = 1_700_001_000_000
MIDNIGHT_MS = 1_699_920_000_000  # of that day, UTC


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("30m", NOW_MS - 1_800_000),
        ("1d12h", NOW_MS - DAY_MS * 3 // 2),
        ("99999d", 0),
        ("2023-11-14", MIDNIGHT_MS),
        ("2023-11-14T20:00", MIDNIGHT_MS + 72_000_000),
        ("2023-11-14 20:00:01.250", MIDNIGHT_MS + 72_001_250),
        ("2023-11-14T8:05", MIDNIGHT_MS + 29_100_000),
        ("2023-11-14T20:00Z", MIDNIGHT_MS + 72_000_000),
        ("2023-11-14T20:00+01:00", MIDNIGHT_MS + 68_400_000),
        ("22:30", NOW_MS),
        ("8:05", MIDNIGHT_MS + 29_100_000),
        ("22:31", NOW_MS + 60_000 - DAY_MS),
        ("1950-01-01", 0),
        ("2h", NOW_MS - 7_200_000),
        ("90m", NOW_MS - 5_400_000),
        ("today", MIDNIGHT_MS),
        ("yesterday", MIDNIGHT_MS - DAY_MS),
        ("yesterday 14:00", MIDNIGHT_MS - DAY_MS + 50_400_000),
        ("today 8:05", MIDNIGHT_MS + 29_100_000),
    ],
)
@pytest.mark.usefixtures("utc")
def test_each_form_is_a_moment(text: str, expected_ms: int) -> None:
    assert period.read(text, "", NOW_MS) == (expected_ms, NOW_MS + 1)
    end_ms = period.read("1950-01-01", text, NOW_MS)[1] if expected_ms else 0
    assert end_ms == expected_ms


def test_a_time_without_a_zone_is_local(zone: Callable[[str], None]) -> None:
    zone("Europe/Vienna")
    assert period.read("2023-11-14T20:00", "20:30", NOW_MS) == (MIDNIGHT_MS + 68_400_000, MIDNIGHT_MS + 70_200_000)
    assert period.between(MIDNIGHT_MS, MIDNIGHT_MS + 1000) == "2023-11-14 01:00:00 to 01:00:01 CET"
    assert period.between(0, NOW_MS) == "1970-01-01 01:00:00 to 2023-11-14 23:30:00 CET"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Summer time ended on 2023-10-29 at 03:00, so that day has 25 hours.
        ("today", "2023-10-30T00:00+01:00"),
        ("yesterday", "2023-10-29T00:00+02:00"),
        ("14:00", "2023-10-29T14:00+01:00"),
        ("01:30", "2023-10-30T01:30+01:00"),
        ("yesterday 01:30", "2023-10-29T01:30+02:00"),
    ],
)
def test_days_are_those_of_the_calendar(zone: Callable[[str], None], text: str, expected: str) -> None:
    zone("Europe/Vienna")
    now_ms = round(datetime.fromisoformat("2023-10-30T02:00+01:00").timestamp() * 1000)
    assert period.moment(text, "--since", now_ms) == round(datetime.fromisoformat(expected).timestamp() * 1000)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("soon", "", f"--since: 'soon' is no time ({period.FORMS})"),
        ("tomorrow", "", "'tomorrow' is no time"),
        ("yesterday 25:00", "", "not in the calendar"),
        ("last week", "", "'last week' is no time"),
        ("5", "", "5 has no unit"),
        ("", "", "'' is no time"),
        ("1h", "2023-02-30", "--until: 2023-02-30 is not in the calendar"),
        ("25:00", "", "not in the calendar"),
        ("0000-01-01", "", "not in the calendar"),
        ("1h", "2h", "--until: ends before it begins"),
        ("2023-11-14", "2023-11-14", "ends before it begins"),
        ("2023-11-14T20:00\n", "", "is no time"),
        ("\u0661\u0662:00", "", "is no time"),
    ],
)
@pytest.mark.usefixtures("utc")
def test_what_is_no_time_is_said(since: str, until: str, words: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        period.read(since, until, NOW_MS)
    assert words in str(caught.value)


@pytest.mark.usefixtures("utc")
def test_a_beginning_in_the_future_is_one() -> None:
    """Clocks of boxes do stand there."""
    assert period.read("2050-01-01", "", NOW_MS)[0] > NOW_MS
